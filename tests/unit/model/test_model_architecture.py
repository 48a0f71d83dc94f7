"""The networks: their shapes, the mirror, and weights that encoder and decoder share."""

from __future__ import annotations

import copy

import pytest
import torch
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
from runner.errors import UsageError
from runner.model.architecture import ACTIVATIONS, ARCHITECTURES, NetworkShapes, build_networks
from runner.model.tied_linear import TiedLinear

PLAIN = (False, "shared")
"""The settings of a posterior that is not conditional."""


def mlp(
    widths: tuple[int, ...] = (12, 7), activation: str = "relu", *, tied: bool = False
) -> MlpConfig:
    return MlpConfig("mlp", *PLAIN, list(widths), activation, tied)


def small(parameters: int = 6, width: int = 3, output_channels: int = 1) -> NetworkShapes:
    return NetworkShapes((1, 4, 5), parameters, width, output_channels)


def whole(config: ArchitectureConfig, ends: NetworkShapes) -> nn.ModuleDict:
    """Encoder and decoder as one autoencoder whose z is the encoder's first numbers."""
    torch.manual_seed(0)
    encoder, decoder = build_networks(config, ends)
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder})


def through(model: nn.ModuleDict, images: torch.Tensor, width: int) -> torch.Tensor:
    return model["decoder"](model["encoder"](images)[:, :width])


def linear_sizes(network: nn.Sequential) -> list[int]:
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


CASES = [
    *((mlp(widths), (2, 5, 3)) for widths in ((), (9,), (12, 7))),
    (mlp(), (1, 1, 2)),
    (ConvConfig("conv64", *PLAIN, 16), (3, 64, 64)),
    (ConvConfig("conv32", *PLAIN, 4), (3, 32, 32)),
    (ConvConfig("conv32", *PLAIN, 4), (1, 32, 32)),
    (ConvConfig("conv28", *PLAIN, 16), (1, 28, 28)),
    (AnySizeConfig("conv", *PLAIN, 16, 4, 4), (3, 45, 28)),
    (BroadcastConfig("broadcast", *PLAIN, [9], 7, 2, 2), (3, 5, 8)),
    (ProdldaConfig("prodlda", *PLAIN, [7, 6], 0.5, "log"), (1, 1, 30)),
    (NvdmConfig("nvdm", *PLAIN, [7], "tanh"), (1, 1, 30)),
]


@pytest.mark.parametrize(("config", "shape"), CASES, ids=str)
@pytest.mark.parametrize("outputs_per_pixel", [1, 4])
def test_shapes(config: ArchitectureConfig, shape: tuple[int, int, int], outputs_per_pixel: int):
    channels, height, width = shape
    ends = NetworkShapes(shape, 8, 5, channels * outputs_per_pixel)
    encoder, decoder = build_networks(config, ends)
    assert encoder(torch.rand(3, *shape)).shape == (3, 8)
    assert decoder(torch.randn(3, 5)).shape == (3, channels * outputs_per_pixel, height, width)


def test_every_architecture_is_tried():
    assert {config.name for config, _ in CASES} == set(ARCHITECTURES)


@pytest.mark.parametrize("widths", [(), (9,), (12, 7)])
@pytest.mark.parametrize("width", [2, 200])  # an undercomplete and an overcomplete code
def test_the_decoder_mirrors_the_encoder(widths: tuple[int, ...], width: int):
    encoder, decoder = build_networks(mlp(widths), small(2 * width, width))
    assert linear_sizes(encoder) == [20, *widths, 2 * width]
    assert linear_sizes(decoder) == [width, *reversed(widths), 20]


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("tied", [False, True])
def test_the_activation_stands_between_layers_and_not_at_the_ends(name: str, *, tied: bool):
    encoder, decoder = build_networks(mlp(activation=name, tied=tied), small())
    kind = type(ACTIVATIONS[name]())
    for network in (encoder, decoder):
        assert [isinstance(layer, kind) for layer in network].count(True) == 2
    assert isinstance(encoder[-1], nn.Linear)
    assert isinstance(decoder[0], nn.Linear | TiedLinear)
    function = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}.get(
        name, nn.functional.softplus
    )
    values = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(ACTIVATIONS[name]()(values), function(values))


def test_conv32_normalises_batches_between_layers_only():
    encoder, decoder = build_networks(
        ConvConfig("conv32", *PLAIN, 8), NetworkShapes((1, 32, 32), 10, 5, 1)
    )
    widths = [[m.num_features for m in net if isinstance(m, nn.BatchNorm2d)] for net in
              (encoder, decoder)]  # fmt: skip
    assert widths == [[16, 32], [32, 16, 8]]
    images = torch.rand(4, 1, 32, 32)
    encoder.eval()
    torch.testing.assert_close(encoder(images)[:1], encoder(images[:1]))


@pytest.mark.parametrize("widths", [(), (9,), (12, 7)])
@pytest.mark.parametrize("parameters", [3, 6])
def test_tied_decoder_uses_the_transposed_weights(widths: tuple[int, ...], parameters: int):
    """With more numbers than columns of z (scales), the rows of the first numbers: the means."""
    model = whole(mlp(widths, tied=True), small(parameters))
    down = [layer for layer in model["encoder"] if isinstance(layer, nn.Linear)]
    up = [layer for layer in model["decoder"] if isinstance(layer, TiedLinear)]
    hidden = z = torch.randn(2, 3)
    for i, (layer, mirror) in enumerate(zip(up, reversed(down), strict=True)):
        weight = mirror.weight[:3] if i == 0 else mirror.weight
        hidden = (hidden if i == 0 else hidden.relu()) @ weight + layer.bias
    torch.testing.assert_close(model["decoder"](z), hidden.reshape(2, 1, 4, 5))


def test_changing_a_tied_weight_changes_the_decoder():
    model = whole(mlp(tied=True), small())
    z = torch.randn(2, 3)
    for layer in (model["encoder"][1], model["encoder"][-1]):
        before = model["decoder"](z)
        with torch.no_grad():
            layer.weight.mul_(1.5)
        assert not torch.allclose(model["decoder"](z), before)


def test_tied_weights_are_counted_and_saved_once():
    model = whole(mlp(tied=True), small())
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    assert shapes == [(12, 20), (12,), (7, 12), (7,), (6, 7), (6,), (7,), (12,), (20,)]
    assert [key for key in model.state_dict() if key.startswith("decoder")] == [
        "decoder.0.bias",
        "decoder.2.bias",
        "decoder.4.bias",
    ]


def test_a_code_wider_than_the_encoders_numbers_has_a_first_layer_of_its_own():
    model = whole(mlp(tied=True), small(parameters=3, width=5))
    first, second = model["decoder"][0], model["decoder"][2]
    assert isinstance(first, nn.Linear)
    assert first.weight.shape == (7, 5)
    assert isinstance(second, TiedLinear)
    assert model["decoder"](torch.randn(2, 5)).shape == (2, 1, 4, 5)


def test_ties_survive_loading_copying_and_changes_of_type():
    model = whole(mlp(tied=True), small())
    other = whole(mlp(tied=True), small())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
    other.load_state_dict(model.state_dict())
    images = torch.rand(3, 1, 4, 5)
    expected = through(model, images, 3)
    torch.testing.assert_close(through(other, images, 3), expected)

    twin = copy.deepcopy(model).double()
    torch.testing.assert_close(through(twin, images.double(), 3).float(), expected)
    with torch.no_grad():
        model["encoder"][-1].weight.zero_()  # the twin has a weight of its own ...
    torch.testing.assert_close(through(twin, images.double(), 3).float(), expected)
    z = torch.randn(2, 3, dtype=torch.float64)
    before = twin["decoder"](z)
    with torch.no_grad():
        twin["encoder"][-1].weight.zero_()  # ... which its decoder shares
    assert not torch.allclose(twin["decoder"](z), before)


def test_ties_hold_on_another_device():
    model = whole(mlp(tied=True), small()).to("meta")
    assert model["decoder"](torch.empty(2, 3, device="meta")).device.type == "meta"


@pytest.mark.parametrize("widths", [(), (12, 7)])
def test_the_gradient_of_a_tied_weight_is_the_sum_of_both_paths(widths: tuple[int, ...]):
    tied = whole(mlp(widths, "tanh", tied=True), small()).double()
    free = whole(mlp(widths, "tanh"), small()).double()
    free["encoder"].load_state_dict(tied["encoder"].state_dict())
    down = [layer for layer in tied["encoder"] if isinstance(layer, nn.Linear)]
    ties = [layer for layer in tied["decoder"] if isinstance(layer, TiedLinear)]
    ups = [layer for layer in free["decoder"] if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for up, tie, mirror in zip(ups, ties, reversed(down), strict=True):
            up.weight.copy_(mirror.weight[: tie.inputs].T)
            up.bias.copy_(tie.bias)
    images = torch.rand(5, 1, 4, 5, dtype=torch.float64)
    for model in (tied, free):
        (through(model, images, 3) - images).square().sum().backward()

    own = [layer for layer in free["encoder"] if isinstance(layer, nn.Linear)]
    for mirror, layer, up in zip(down, own, reversed(ups), strict=True):
        expected = layer.weight.grad.clone()
        expected[: up.in_features] += up.weight.grad.T
        torch.testing.assert_close(mirror.weight.grad, expected)
        torch.testing.assert_close(mirror.bias.grad, layer.bias.grad)
    for tie, up in zip(ties, ups, strict=True):
        torch.testing.assert_close(tie.bias.grad, up.bias.grad)


def test_a_seed_means_one_start():
    for config, shape in CASES:
        ends = NetworkShapes(shape, 8, 5, shape[0])
        first, second = whole(config, ends), whole(config, ends)
        for key, value in first.state_dict().items():
            torch.testing.assert_close(value, second.state_dict()[key], rtol=0, atol=0)


ERRORS = [
    (mlp((12, 0)), "architecture.widths must be positive numbers, got [12, 0]", None),
    (
        mlp(activation="relu6"),
        "architecture.activation must be one of relu, tanh, sigmoid, softplus, got 'relu6'",
        "did you mean 'relu'?",
    ),
    (ConvConfig("conv46", *PLAIN, 8), "unknown architecture 'conv46'", "did you mean 'conv64'?"),
    *(
        (
            ConvConfig(f"conv{size}", *PLAIN, 8),
            f"architecture=conv{size} takes {size}x{size} images, but the dataset's are 30x28",
            "architecture=conv and architecture=mlp take any size",
        )
        for size in (64, 32, 28)
    ),
]


@pytest.mark.parametrize(("config", "message", "hint"), ERRORS)
def test_settings_that_make_no_sense_are_refused(
    config: ArchitectureConfig, message: str, hint: str | None
):
    with pytest.raises(UsageError) as error:
        build_networks(config, NetworkShapes((1, 30, 28), 6, 3, 1))
    assert error.value.message == message
    assert error.value.hint == hint


def test_no_features_are_refused():
    for size in (64, 32, 28):
        with pytest.raises(UsageError, match=r"architecture\.features must be at least 1, got 0"):
            build_networks(
                ConvConfig(f"conv{size}", *PLAIN, 0), NetworkShapes((1, size, size), 6, 3, 1)
            )


def test_tied_weights_need_one_output_per_pixel():
    with pytest.raises(UsageError) as error:
        build_networks(mlp(tied=True), small(output_channels=16))
    assert error.value.message == (
        "architecture.tied=true needs a likelihood with one output per pixel, "
        "got 16 outputs per pixel"
    )
