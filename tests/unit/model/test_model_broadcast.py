"""The decoder that draws every place by itself, against convolutions of z tiled over the image."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from runner.config import BroadcastConfig
from runner.model.broadcast import BroadcastDecoder
from runner.model.shapes import NetworkShapes

PLAIN = False, "separate"


def decoder(
    height: int = 6, width: int = 4, *, outputs: int = 1, layers: int = 3, cell: int = 2
) -> BroadcastDecoder:
    torch.manual_seed(0)
    shapes = NetworkShapes((1, height, width), 10, 5, outputs)
    return BroadcastDecoder(shapes, BroadcastConfig("broadcast", *PLAIN, [8], 7, layers, cell))


def published(network: BroadcastDecoder, z_BW: Tensor) -> Tensor:
    """Tile z, append the coordinates, and convolve with 1x1 kernels; then lay out the cells."""
    rows, columns = network.cells
    x_HW = torch.linspace(-1, 1, columns).expand(rows, columns)
    y_HW = torch.linspace(-1, 1, rows)[:, None].expand(rows, columns)
    tiled = z_BW[:, :, None, None].expand(-1, -1, rows, columns)
    places = torch.stack([x_HW, y_HW]).expand(len(z_BW), -1, -1, -1)
    weight = torch.cat([network.of_z.weight, network.of_place.weight], 1)
    values = F.conv2d(torch.cat([tiled, places], 1), weight[..., None, None], network.of_z.bias)
    for layer in (*network.hidden, network.last):
        values = F.conv2d(torch.relu(values), layer.weight[..., None, None], layer.bias)
    cell, (height, width) = network.cell, network.edges
    outputs = values.shape[1] // cell**2
    image = torch.zeros(len(z_BW), outputs, rows * cell, columns * cell)
    for down in range(cell):
        for across in range(cell):
            first = cell * down + across
            image[:, :, down::cell, across::cell] = values[:, first :: cell**2]
    return image[:, :, :height, :width]


@pytest.mark.parametrize("cell", [1, 2, 3])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 7), (1, 9)])
def test_it_is_a_convolution_of_z_and_the_coordinates(
    cell: int, layers: int, height: int, width: int
):
    network = decoder(height, width, outputs=3, layers=layers, cell=cell)
    z_BW = torch.randn(2, 5)
    found = network(z_BW)
    assert found.shape == (2, 3, height, width)
    torch.testing.assert_close(found, published(network, z_BW))


def test_layers_are_counted_and_coordinates_are_no_parameters():
    assert len(decoder(layers=3).hidden) == 2
    assert not [name for name in decoder().state_dict() if "places" in name]


def test_a_thing_that_is_drawn_where_z_says_moves_with_z():
    """Units that compare the first two columns of z with x and y draw the same thing elsewhere."""
    network = decoder(9, 9, layers=1, cell=1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for unit, (column, sign) in enumerate([(0, 1), (0, -1), (1, 1), (1, -1)]):
            network.of_z.weight[unit, column] = -sign
            network.of_place.weight[unit, column] = sign
        network.last.weight[:] = -1
    image = network(torch.tensor([[0.0, 0, 0, 0, 0], [0.5, -0.25, 0, 0, 0]]))[:, 0]
    assert image[0].argmax() == 4 * 9 + 4  # the middle, row 4 and column 4
    assert image[1].argmax() == 3 * 9 + 6  # x=0.5 is two places to the right, y=-0.25 one up
    torch.testing.assert_close(image[0, 1:, :7], image[1, :8, 2:])
