"""The network that tells samples of q(z) from samples of the product of the q(z_v)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

_SLOPE = 0.2


def build_discriminator(width: int, widths: Sequence[int]) -> nn.Sequential:
    """Return a fully connected network with fresh parameters, (B, width) to 2 logits, (B, 2).

    Each hidden layer is followed by a leaky ReLU of slope 0.2. Without hidden layers it is linear.

    Source: Kim & Mnih 2018, who use six hidden layers of 1000 units.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([width, *widths]):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(_SLOPE)]
    return nn.Sequential(*layers, nn.Linear([width, *widths][-1], 2))
