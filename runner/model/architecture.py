"""Encoder and decoder networks.

An encoder maps images, (B, C, H, W), to the parameters of q(z|x), (B, P); a decoder maps z, (B, W),
to an output of the image's height and width, which parametrises the likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from runner.config import (
    AnySizeConfig,
    ArchitectureConfig,
    BroadcastConfig,
    ConvConfig,
    MlpConfig,
    NvdmConfig,
    ProdldaConfig,
)
from runner.errors import UsageError, nearest
from runner.model import conv
from runner.model.broadcast import BroadcastDecoder
from runner.model.conditional_head import ConditionalHead
from runner.model.own import own_networks
from runner.model.shapes import NetworkShapes
from runner.model.tied_linear import mirrored
from runner.model.topics import NvdmDecoder, ProdldaDecoder, ProdldaEncoder
from runner.plugins import piece


def build_networks(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Module, nn.Module]:
    """Return an encoder and a decoder with fresh parameters.

    Raises: UsageError when the name is unknown, a setting is invalid, or the network does not take
        images of that size.
    """
    if (own := piece("network", config.name)) is not None:
        return own_networks(own, config, shapes)
    if config.name not in ARCHITECTURES:
        hint = nearest(config.name, ARCHITECTURES)
        raise UsageError(f"unknown architecture '{config.name}'", hint)
    networks = ARCHITECTURES[config.name](config, shapes)
    if config.conditional and config.conditional_head == "separate":
        _separate(config, shapes, networks[0])
    return networks


def _separate(config: ArchitectureConfig, shapes: NetworkShapes, encoder: nn.Module) -> None:
    """Put small networks for means and scales in the place of an encoder's last two layers.

    Raises: UsageError when the encoder does not end with a hidden layer and a linear one.
    """
    layers = list(encoder.children())
    if (
        not isinstance(encoder, nn.Sequential)
        or len(layers) < 3
        or not all(isinstance(layers[i], nn.Linear) for i in (-1, -3))
    ):
        raise UsageError(
            "architecture.conditional_head=separate needs a hidden layer before the last, and "
            f"architecture={config.name} has none",
            "architecture.conditional_head=shared takes any network",
        )
    hidden, activation, values_AC = layers[-3], type(layers[-2]), shapes.values_AC
    if not isinstance(hidden, nn.Linear) or values_AC is None:
        raise TypeError("a conditional posterior has values of its discrete variables")
    atoms, columns = values_AC.shape
    variables = (shapes.parameters - columns) // (2 * atoms)
    del encoder[-3:]
    encoder.append(
        ConditionalHead(hidden.in_features, hidden.out_features, variables, values_AC, activation)
    )


def _mlp(config: ArchitectureConfig, shapes: NetworkShapes) -> tuple[nn.Sequential, nn.Sequential]:
    """Fully connected; the decoder mirrors the encoder (HFVAE's experiments: 400, 200, ReLU)."""
    if not isinstance(config, MlpConfig):
        raise TypeError("mlp needs its own settings")
    if config.widths and min(config.widths) < 1:
        raise UsageError(f"architecture.widths must be positive numbers, got {config.widths}")
    activation = _activation(config.activation)
    if config.tied and config.conditional:
        raise UsageError(
            "architecture.tied=true shares the weights of means with the decoder, "
            "and with architecture.conditional=true there are means for every category"
        )
    channels, height, width = shapes.shape
    pixels = height * width
    down = _linear([channels * pixels, *config.widths, shapes.parameters])
    if config.tied:
        up: Sequence[nn.Module] = mirrored(down, shapes)
    else:
        up = _linear([shapes.width, *reversed(config.widths), shapes.output_channels * pixels])
    encoder = nn.Sequential(nn.Flatten(), *_between(down, activation))
    output = nn.Unflatten(1, (shapes.output_channels, height, width))
    return encoder, nn.Sequential(*_between(up, activation), output)


def _activation(name: str) -> Callable[[], nn.Module]:
    if name not in ACTIVATIONS:
        raise UsageError(
            f"architecture.activation must be one of {', '.join(ACTIVATIONS)}, got '{name}'",
            nearest(name, ACTIVATIONS),
        )
    return ACTIVATIONS[name]


def _linear(widths: list[int]) -> list[nn.Linear]:
    return [nn.Linear(inputs, outputs) for inputs, outputs in pairwise(widths)]


def _between(layers: Sequence[nn.Module], activation: Callable[[], nn.Module]) -> list[nn.Module]:
    """Return the layers with an activation after each but the last."""
    return [module for layer in layers for module in (layer, activation())][:-1]


def _dense(widths: list[int]) -> list[nn.Module]:
    return _between(_linear(widths), nn.ReLU)


def _conv64(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Sequential, nn.Sequential]:
    """Locatello et al. 2019: 4x4, 4x4, 2x2, 2x2 convolutions of stride 2; 4x4 deconvolutions."""
    features = _features(config, shapes, size=64)
    encoder = nn.Sequential(
        nn.Conv2d(shapes.shape[0], 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 2, 2), nn.ReLU(),
        nn.Conv2d(64, 64, 2, 2), nn.ReLU(),
        nn.Flatten(), *_dense([1024, features, shapes.parameters]),
    )  # fmt: skip
    decoder = nn.Sequential(
        *_dense([shapes.width, features, 1024]), nn.ReLU(), nn.Unflatten(1, (64, 4, 4)),
        nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, shapes.output_channels, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def _conv32(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Sequential, nn.Sequential]:
    """Mathieu et al. 2019, after DCGAN: 32 to 16 to 8 to 4 to 1 and back, batch norm between.

    Layers before a batch norm have no bias, since it would cancel; nor have the outermost two.
    """
    f = _features(config, shapes, size=32)
    encoder = nn.Sequential(
        nn.Conv2d(shapes.shape[0], f, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(f, 2 * f, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * f), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * f, 4 * f, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * f), nn.LeakyReLU(0.2),
        nn.Conv2d(4 * f, shapes.parameters, 4), nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Unflatten(1, (shapes.width, 1, 1)),
        nn.ConvTranspose2d(shapes.width, 4 * f, 4, bias=False), nn.BatchNorm2d(4 * f), nn.ReLU(),
        nn.ConvTranspose2d(4 * f, 2 * f, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * f), nn.ReLU(),
        nn.ConvTranspose2d(2 * f, f, 4, 2, 1, bias=False), nn.BatchNorm2d(f), nn.ReLU(),
        nn.ConvTranspose2d(f, shapes.output_channels, 4, 2, 1, bias=False),
    )  # fmt: skip
    for layer in (*encoder, *decoder):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return encoder, decoder


def _conv28(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Sequential, nn.Sequential]:
    """Two 4x4 convolutions of stride 2, 28 to 14 to 7, and their mirror image."""
    features = _features(config, shapes, size=28)
    encoder = nn.Sequential(
        nn.Conv2d(shapes.shape[0], 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), *_dense([64 * 7 * 7, features, shapes.parameters]),
    )  # fmt: skip
    decoder = nn.Sequential(
        *_dense([shapes.width, features, 64 * 7 * 7]), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, shapes.output_channels, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def _conv(config: ArchitectureConfig, shapes: NetworkShapes) -> tuple[nn.Sequential, nn.Sequential]:
    """4x4 convolutions of stride 2, as many as bring the image to a few pixels, and back."""
    if not isinstance(config, AnySizeConfig):
        raise TypeError("conv needs its own settings")
    inputs, height, width = shapes.shape
    sizes = conv.layer_sizes(height, width, config.smallest)
    inner = conv.channels_of(config.channels, len(sizes) - 1)
    if not inner:
        raise UsageError(
            f"architecture=conv halves images, and these are {height}x{width}",
            "architecture=mlp takes any size",
        )
    (low, wide), most = sizes[-1], inner[-1]
    flat = most * low * wide
    encoder = nn.Sequential(
        *conv.encoder_layers(sizes, [inputs, *inner]),
        nn.Flatten(), *_dense([flat, config.features, shapes.parameters]),
    )  # fmt: skip
    decoder = nn.Sequential(
        *_dense([shapes.width, config.features, flat]), nn.ReLU(),
        nn.Unflatten(1, (most, low, wide)),
        *conv.decoder_layers(sizes, [shapes.output_channels, *inner]),
    )  # fmt: skip
    return encoder, decoder


def _broadcast(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Sequential, BroadcastDecoder]:
    """Watters et al. 2019, with 1x1 convolutions; the encoder is fully connected."""
    if not isinstance(config, BroadcastConfig):
        raise TypeError("broadcast needs its own settings")
    down = _dense([math.prod(shapes.shape), *config.widths, shapes.parameters])
    return nn.Sequential(nn.Flatten(), *down), BroadcastDecoder(shapes, config)


def _prodlda(
    config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[ProdldaEncoder, ProdldaDecoder]:
    """Srivastava and Sutton 2017: softmax(z) times topics, with batch norm and dropout."""
    if not isinstance(config, ProdldaConfig):
        raise TypeError("prodlda needs its own settings")
    return ProdldaEncoder(shapes, config), ProdldaDecoder(shapes, config.dropout)


def _nvdm(config: ArchitectureConfig, shapes: NetworkShapes) -> tuple[nn.Sequential, NvdmDecoder]:
    """Miao et al. 2016: a fully connected encoder, and logits of words that are linear in z."""
    if not isinstance(config, NvdmConfig):
        raise TypeError("nvdm needs its own settings")
    activation = _activation(config.activation)
    layers = _linear([math.prod(shapes.shape), *config.widths, shapes.parameters])
    return nn.Sequential(nn.Flatten(), *_between(layers, activation)), NvdmDecoder(shapes)


def _features(config: ArchitectureConfig, shapes: NetworkShapes, size: int) -> int:
    """Return ``architecture.features`` where the images are ``size`` pixels square."""
    if not isinstance(config, ConvConfig):
        raise TypeError(f"{config.name} needs its own settings")
    height, width = shapes.shape[1:]
    if (height, width) != (size, size):
        raise UsageError(
            f"architecture={config.name} takes {size}x{size} images, "
            f"but the dataset's are {height}x{width}",
            "architecture=conv and architecture=mlp take any size",
        )
    if config.features < 1:
        raise UsageError(f"architecture.features must be at least 1, got {config.features}")
    return config.features


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
}
"""Name in ``architecture.activation`` → what is applied between two linear layers."""

ARCHITECTURES: dict[
    str, Callable[[ArchitectureConfig, NetworkShapes], tuple[nn.Module, nn.Module]]
] = {
    "mlp": _mlp,
    "conv64": _conv64,
    "conv32": _conv32,
    "conv28": _conv28,
    "conv": _conv,
    "broadcast": _broadcast,
    "prodlda": _prodlda,
    "nvdm": _nvdm,
}
