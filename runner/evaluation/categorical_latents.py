"""The prior as a score sees it, and what of a latent space has none."""

from __future__ import annotations

from runner.errors import UsageError
from runner.model import LatentSpace


def categorical_latents(latents: LatentSpace, score: str) -> LatentSpace:
    """Return an opened prior with its discrete variables categorical, however they were trained.

    Raises: UsageError for a deterministic code, of which ``prior.has_density`` is false.
    """
    if not latents.has_density:
        raise UsageError(f"{score} needs densities q(z|x) and p(z): a deterministic code has none")
    return latents.with_categorical()
