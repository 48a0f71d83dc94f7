"""The sizes that networks must have."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class NetworkShapes:
    """Sizes that the networks must have: images, parameters of q(z|x), z, the decoder's output."""

    shape: tuple[int, int, int]
    parameters: int
    width: int
    output_channels: int
    values_AC: Tensor | None = None
    """The columns of z of the discrete variables at each of their joint categories, where the means
    and scales of the others depend on these; else None."""
