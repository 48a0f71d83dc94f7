"""Encoder and decoder networks.

An encoder turns images (B, C, H, W) into the numbers of q(z|x); a decoder turns z (B, W) into an
output of the image's shape, which the likelihood reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from runner.config import ArchitectureConfig, ConvConfig, MlpConfig
from runner.errors import UsageError, nearest


@dataclass(frozen=True)
class Ends:
    """What the networks must fit: the image, the encoder's numbers and the decoder's input."""

    shape: tuple[int, int, int]
    parameters: int
    width: int


def build_networks(config: ArchitectureConfig, ends: Ends) -> tuple[nn.Sequential, nn.Sequential]:
    """Return an encoder and a decoder with fresh parameters.

    Raises: UsageError when the name is unknown or the network does not take images of that size.
    """
    if config.name not in ARCHITECTURES:
        hint = nearest(config.name, ARCHITECTURES)
        raise UsageError(f"unknown architecture '{config.name}'", hint)
    return ARCHITECTURES[config.name](config, ends)


def _mlp(config: ArchitectureConfig, ends: Ends) -> tuple[nn.Sequential, nn.Sequential]:
    """Fully connected, ReLU; the decoder mirrors the encoder (HFVAE's experiments: 400, 200)."""
    if not isinstance(config, MlpConfig):
        raise TypeError("mlp needs its own settings")
    if not config.widths or min(config.widths) < 1:
        raise UsageError(f"architecture.widths must be positive numbers, got {config.widths}")
    channels, height, width = ends.shape
    pixels = channels * height * width
    encoder = nn.Sequential(nn.Flatten(), *_layers([pixels, *config.widths, ends.parameters]))
    decoder = _layers([ends.width, *reversed(config.widths), pixels])
    return encoder, nn.Sequential(*decoder, nn.Unflatten(1, ends.shape))


def _layers(widths: list[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers[:-1]  # the last layer is linear


def _conv64(config: ArchitectureConfig, ends: Ends) -> tuple[nn.Sequential, nn.Sequential]:
    """Locatello et al. 2019: 4x4, 4x4, 2x2, 2x2 convolutions of stride 2; 4x4 deconvolutions."""
    channels, features = _conv_ends(config, ends, size=64)
    encoder = nn.Sequential(
        nn.Conv2d(channels, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 2, 2), nn.ReLU(),
        nn.Conv2d(64, 64, 2, 2), nn.ReLU(),
        nn.Flatten(), *_layers([1024, features, ends.parameters]),
    )  # fmt: skip
    decoder = nn.Sequential(
        *_layers([ends.width, features, 1024]), nn.ReLU(), nn.Unflatten(1, (64, 4, 4)),
        nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def _conv28(config: ArchitectureConfig, ends: Ends) -> tuple[nn.Sequential, nn.Sequential]:
    """Two 4x4 convolutions of stride 2, 28 to 14 to 7, and their mirror image."""
    channels, features = _conv_ends(config, ends, size=28)
    encoder = nn.Sequential(
        nn.Conv2d(channels, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), *_layers([64 * 7 * 7, features, ends.parameters]),
    )  # fmt: skip
    decoder = nn.Sequential(
        *_layers([ends.width, features, 64 * 7 * 7]), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def _conv_ends(config: ArchitectureConfig, ends: Ends, size: int) -> tuple[int, int]:
    if not isinstance(config, ConvConfig):
        raise TypeError(f"{config.name} needs its own settings")
    channels, height, width = ends.shape
    if (height, width) != (size, size):
        raise UsageError(
            f"architecture={config.name} takes {size}x{size} images, "
            f"but the dataset's are {height}x{width}",
            "architecture=mlp takes any size",
        )
    if config.features < 1:
        raise UsageError(f"architecture.features must be at least 1, got {config.features}")
    return channels, config.features


ARCHITECTURES: dict[
    str, Callable[[ArchitectureConfig, Ends], tuple[nn.Sequential, nn.Sequential]]
] = {"mlp": _mlp, "conv64": _conv64, "conv28": _conv28}
