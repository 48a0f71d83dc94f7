"""How long a run is trained: by steps, or by epochs of full batches where these are given."""

from __future__ import annotations

from runner.config.schema import RunConfig

LENGTH = ("steps", "epochs")
"""The settings that say it."""

_GOES_ON = ("vae", "info_gan")
"""Methods that can be trained further. Others are fitted at once, or divide their steps among parts
that are fitted one after the other."""


def goes_on(config: RunConfig) -> bool:
    """Return whether a run with another number of steps is this one, trained further."""
    return config.objective.method in _GOES_ON


def no_further(config: RunConfig) -> str:
    """Return the words for a run that is not trained further."""
    return f"objective={config.objective.name} cannot be trained further"


def last_step(config: RunConfig, images: int) -> int:
    """Return the number of gradient steps, with so many training images; at least one."""
    if config.epochs is None:
        return config.steps
    return max(1, round(config.epochs * (images // config.batch_size)))
