"""A decoder that draws every place of an image by one small network (Watters et al. 2019).

z stands at every place, beside the coordinates of the place, and the same layers turn both into
pixels: 1x1 convolutions, where the paper has 3x3. What is drawn where is thus a matter of comparing
z with coordinates, so that the position of a thing is easily told from what it is, and x from y.

Shapes: B samples, W columns of z, P places, H W of the image, K channels of the output, F channels
of a layer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.config import BroadcastConfig
from runner.model.shapes import NetworkShapes

_AT_ONCE = 2**18
"""Numbers of a layer that are computed at a time on a CPU: larger tensors do not stay in its cache,
and those of 32 MB and more, as a batch or a pack of runs soon has, are new memory at every step."""


class BroadcastDecoder(nn.Module):
    """z and the coordinates of a place → layers with ReLU → the pixels of a cell.

    A cell is a square of pixels with an edge of ``cell``; the last of a row or column may reach
    over the image, and what is over is cut off. Coordinates go from -1 to 1.
    """

    places_P2: Tensor

    def __init__(self, shapes: NetworkShapes, config: BroadcastConfig) -> None:
        super().__init__()
        self.edges = shapes.shape[1:]
        self.cell = config.cell
        self.cells = tuple(-(-edge // config.cell) for edge in self.edges)
        rows, columns = (torch.linspace(-1, 1, count) for count in self.cells)
        x_HW, y_HW = torch.meshgrid(columns, rows, indexing="xy")
        places_P2 = torch.stack([x_HW, y_HW], -1).flatten(0, 1)
        self.register_buffer("places_P2", places_P2, persistent=False)
        channels = config.channels
        # The first layer of [z, coordinates], whose part of z is the same at every place.
        self.of_z = nn.Linear(shapes.width, channels)
        self.of_place = nn.Linear(2, channels, bias=False)
        self.hidden = nn.ModuleList(nn.Linear(channels, channels) for _ in range(config.layers - 1))
        self.last = nn.Linear(channels, shapes.output_channels * config.cell**2)

    def forward(self, z_BW: Tensor) -> Tensor:
        """Return the output for codes, (B, K, H, W)."""
        if z_BW.device.type != "cpu" or torch.compiler.is_compiling():
            return self._draw(z_BW)
        numbers = len(self.places_P2) * self.last.in_features
        parts = z_BW.split(max(1, _AT_ONCE // numbers))
        return torch.cat([self._draw(part_BW) for part_BW in parts])

    def _draw(self, z_BW: Tensor) -> Tensor:
        values_BPF = self.of_z(z_BW)[:, None] + self.of_place(self.places_P2)
        for layer in self.hidden:
            values_BPF = layer(F.relu(values_BPF))
        cells_BPK = self.last(F.relu(values_BPF))
        cells_BKHW = cells_BPK.transpose(1, 2).unflatten(2, self.cells)
        height, width = self.edges
        return F.pixel_shuffle(cells_BKHW, self.cell)[..., :height, :width]
