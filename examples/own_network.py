"""An own network: fully connected layers around which the input is carried past.

vaerun plugins=[examples/own_network.py] dataset=digits architecture=residual architecture.blocks=3

Shapes: B images, C H W image, D units, P parameters of q(z|x), W columns of z.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from runner.model import NetworkShapes
from runner.plugins import add_network


@dataclass
class Residual:
    """``architecture.KEY``: what can be set."""

    width: int = field(default=64, metadata={"help": "units of every layer"})
    blocks: int = field(default=2, metadata={"help": "blocks of two layers, in each network"})


class Block(nn.Module):
    """Two layers and what comes past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, units_BD: Tensor) -> Tensor:
        """Return units of the same shape."""
        return units_BD + self.layers(units_BD)


def build(settings: Residual, shapes: NetworkShapes) -> tuple[nn.Module, nn.Module]:
    """Return an encoder, (B, C, H, W) to (B, P), and a decoder, (B, W) to (B, K, H, W)."""
    channels, height, width = shapes.shape
    pixels = height * width
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * pixels, settings.width),
        *(Block(settings.width) for _ in range(settings.blocks)),
        nn.Linear(settings.width, shapes.parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(shapes.width, settings.width),
        *(Block(settings.width) for _ in range(settings.blocks)),
        nn.Linear(settings.width, shapes.output_channels * pixels),
        nn.Unflatten(1, (shapes.output_channels, height, width)),
    )
    return encoder, decoder


add_network("residual", build, settings=Residual, help="Residual blocks of two layers.")
