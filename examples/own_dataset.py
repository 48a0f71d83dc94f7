"""An own dataset: rings of three factors, drawn when they are loaded.

vaerun plugins=[examples/own_dataset.py] dataset=rings dataset.size=32

Shapes: N images, F factors, H W image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import torch
from torch import Tensor

from runner.dataset import Dataset, Factor, ResidentSplit
from runner.plugins import add_dataset


@dataclass
class Rings:
    """``dataset.KEY``: what can be set."""

    size: int = field(default=16, metadata={"help": "edge of the images in pixels"})
    places: int = field(default=6, metadata={"help": "positions of the centre along each axis"})
    radii: list[float] = field(
        default_factory=lambda: [0.15, 0.25, 0.35],
        metadata={"help": "radii, in edges of the image"},
    )


def load(
    data_dir: str,  # noqa: ARG001 - the folder of the datasets that are files
    device: torch.device,
    *,
    size: int,
    places: int,
    radii: list[float],
) -> Dataset:
    """Return one image of every combination of the factors, all of them for training and test."""
    factors = (Factor("x", places), Factor("y", places), Factor("radius", len(radii)))
    values = list(product(range(places), range(places), range(len(radii))))
    images = [_ring(size, x / (places - 1), y / (places - 1), radii[r]) for x, y, r in values]
    split = ResidentSplit(
        torch.stack(images)[:, None].to(device), torch.tensor(values, dtype=torch.int64).to(device)
    )
    return Dataset(
        name="rings",
        train=split,
        test=split,
        has_test_split=False,
        factors=factors,
        shape=(1, size, size),
        class_factor="radius",
        class_names=tuple(f"{radius:g}" for radius in radii),
    )


def _ring(size: int, x: float, y: float, radius: float) -> Tensor:
    """Return a white ring on black as bytes, (H, W)."""
    grid_H = (torch.arange(size) + 0.5) / size
    across_HW = grid_H[None, :] - (0.3 + 0.4 * x)
    down_HW = grid_H[:, None] - (0.3 + 0.4 * y)
    distance_HW = (across_HW.square() + down_HW.square()).sqrt()
    ink_HW = (1 - (distance_HW - radius).abs() * size / 2).clamp(0, 1)
    return (255 * ink_HW).round().to(torch.uint8)


add_dataset("rings", load, settings=Rings, help="Rings of different places and radii.")
