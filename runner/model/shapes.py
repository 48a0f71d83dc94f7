"""The sizes that networks must have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkShapes:
    """Sizes that the networks must have: images, parameters of q(z|x), z, the decoder's output."""

    shape: tuple[int, int, int]
    parameters: int
    width: int
    output_channels: int
