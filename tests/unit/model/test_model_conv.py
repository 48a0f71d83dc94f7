"""The network for any size: shapes there and back."""

from __future__ import annotations

import pytest
import torch

from runner.config import AnySizeConfig
from runner.errors import UsageError
from runner.model.architecture import NetworkShapes, build_networks
from runner.model.conv import channels_of, layer_sizes

SETTINGS = AnySizeConfig("conv", False, "shared", features=16, channels=4, smallest=4)  # noqa: FBT003


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (3, 28, 28), (1, 45, 61), (3, 64, 64), (1, 5, 40), (3, 256, 256)]
)
def test_images_of_any_size_go_there_and_back(shape: tuple[int, int, int]):
    encoder, decoder = build_networks(SETTINGS, NetworkShapes(shape, 10, 5, 2 * shape[0]))
    assert encoder(torch.zeros(2, *shape)).shape == (2, 10)
    assert decoder(torch.zeros(2, 5)).shape == (2, 2 * shape[0], *shape[1:])


@pytest.mark.parametrize(
    ("edge", "layers"), [(8, 1), (28, 3), (32, 3), (64, 4), (128, 5), (256, 6)]
)
def test_the_depth_follows_from_the_size(edge: int, layers: int):
    assert len(layer_sizes(edge, edge, 4)) == layers + 1


def test_channels_double_every_second_layer_up_to_eightfold():
    assert channels_of(32, 9) == [32, 32, 64, 64, 128, 128, 256, 256, 256]


@pytest.mark.parametrize(
    ("settings", "shape", "message"),
    [
        (SETTINGS, (1, 1, 2), "conv halves images, and these are 1x2"),
    ],
)
def test_what_cannot_be_is_refused(settings, shape, message):
    with pytest.raises(UsageError, match=message):
        build_networks(settings, NetworkShapes(shape, 10, 5, 1))
