"""How long a run is trained: by steps, or by epochs of full batches where these are given."""

from __future__ import annotations

from runner.config.schema import RunConfig

LENGTH = ("steps", "epochs")
"""The settings that say it."""


def last_step(config: RunConfig, images: int) -> int:
    """Return the number of gradient steps, with so many training images; at least one."""
    if config.epochs is None:
        return config.steps
    return max(1, round(config.epochs * (images // config.batch_size)))
