"""A convolutional encoder and decoder for images of any size and proportions."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_WIDEST = 8
"""The most channels of a layer, as a multiple of the first layer's."""


def layer_sizes(height: int, width: int, smallest: int) -> list[tuple[int, int]]:
    """Return the height and width of the image before and after each layer, each half the last.

    The last has an edge of ``smallest`` pixels or fewer.
    """
    sizes = [(height, width)]
    while min(sizes[-1]) > smallest:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def encoder_layers(sizes: list[tuple[int, int]], channels: list[int]) -> list[nn.Module]:
    """Return 4x4 convolutions of stride 2, with a ReLU after each."""
    found: list[nn.Module] = []
    for (inputs, outputs), _ in zip(pairwise(channels), sizes[1:], strict=True):
        found += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.ReLU()]
    return found


def decoder_layers(sizes: list[tuple[int, int]], channels: list[int]) -> list[nn.Module]:
    """Return 4x4 transposed convolutions of stride 2, with a ReLU between, back to each size.

    An odd edge, which the encoder's layer has rounded down, gets its last pixel back.
    """
    found: list[nn.Module] = []
    for (outputs, inputs), (after, before) in reversed(
        list(zip(pairwise(channels), pairwise(sizes), strict=True))
    ):
        odd = (after[0] - 2 * before[0], after[1] - 2 * before[1])
        found += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, output_padding=odd), nn.ReLU()]
    return found[:-1]


def channels_of(first: int, layers: int) -> list[int]:
    """Return the channels after each layer; they double every second layer, up to eightfold."""
    return [first * min(2 ** (layer // 2), _WIDEST) for layer in range(layers)]
