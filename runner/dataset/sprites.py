"""Squares, ellipses and hearts on the factor grid of dSprites, drawn here instead of downloaded.

Shapes: B images of a minibatch, F factors, S scales, O orientations, K = 3 S O masks, X = Y
positions along an axis, H W image, h w box of a sprite, P Q canvas that windows move over.

Source: the grid and its order are those of dSprites (Matthey et al. 2017): shape varies slowest,
then scale, orientation, x, and y fastest. The drawings are our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from runner.dataset.factor_grid import grid_factors
from runner.dataset.splits import Dataset, Factor

SHAPES = ("square", "ellipse", "heart")
SCALES = 6
ORIENTATIONS = 40
POSITIONS = 32
SIDE = 64
"""Pixels along an edge of an image."""

FACTORS = (
    Factor("shape", len(SHAPES)),
    Factor("scale", SCALES),
    Factor("orientation", ORIENTATIONS),
    Factor("x", POSITIONS),
    Factor("y", POSITIONS),
)

_REACH = 16
"""Pixels from a sprite's centre to the edge of its box; centres are pixels 16 to 47 of 64."""

# All shapes cover one area at one scale, so that size does not tell which shape it is. With these
# two numbers no outline passes through a pixel's centre: rounding cannot change an image.
_AREA = 440.0
_ELLIPSE_LENGTH = 15.9


@dataclass(frozen=True, eq=False)
class SpriteGrid:
    """All 737,280 images, as overlapping windows of 720 masks: 6 MB stand for 3 GB."""

    windows_KYXHW: Tensor

    @property
    def size(self) -> int:
        """N, the number of images."""
        return math.prod(factor.size for factor in FACTORS)

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images of bytes, 0 or 255, (B, 1, 64, 64)."""
        mask_B = indices_B // POSITIONS**2
        x_B = indices_B // POSITIONS % POSITIONS
        y_B = indices_B % POSITIONS
        # A sprite moves to the right when the window moves to the left.
        last = POSITIONS - 1
        return self.windows_KYXHW[mask_B, last - y_B, last - x_B].unsqueeze(1)

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return shape, scale, orientation, x and y, (B, 5)."""
        return grid_factors(FACTORS, indices_B)


def load(device: torch.device) -> Dataset:
    """Return the sprites: white on black, whole at every position, 64x64.

    Scales are 0.5, 0.6, ..., 1. Orientation i turns a sprite clockwise by 2 pi i / 40; dSprites has
    both 0 and 2 pi on its grid, which look the same, and ours does not repeat. As in dSprites, the
    symmetry of the square and the ellipse makes some orientations look alike. Positions are one
    pixel apart, x grows to the right and y downwards. A pixel is 255 where its centre is inside the
    outline, else 0.
    """
    canvas_KPQ = functional.pad(draw_masks(), (POSITIONS - 1,) * 4).to(device)
    grid = SpriteGrid(canvas_KPQ.unfold(1, SIDE, 1).unfold(2, SIDE, 1))
    return Dataset(
        name="sprites",
        train=grid,
        test=grid,
        has_test_split=False,
        factors=FACTORS,
        shape=(1, SIDE, SIDE),
        class_factor="shape",
        class_names=SHAPES,
    )


def draw_masks() -> Tensor:
    """Return the sprites at the centre of their boxes, bytes 0 or 255, (K, 33, 33).

    Drawn in float64 on the CPU, in milliseconds, so that every device has the same images.
    """
    axis = torch.arange(-_REACH, _REACH + 1, dtype=torch.float64)
    y_hw, x_hw = torch.meshgrid(axis, axis, indexing="ij")
    scale_S111 = torch.linspace(0.5, 1, SCALES, dtype=torch.float64).view(-1, 1, 1, 1)
    turn = 2 * math.pi / ORIENTATIONS
    angle_O11 = turn * torch.arange(ORIENTATIONS, dtype=torch.float64).view(-1, 1, 1)
    # Turning and shrinking the pixels' centres back is turning and scaling the sprite.
    u_SOhw = (angle_O11.cos() * x_hw + angle_O11.sin() * y_hw) / scale_S111
    v_SOhw = (angle_O11.cos() * y_hw - angle_O11.sin() * x_hw) / scale_S111
    inside = [shape(u_SOhw, v_SOhw) for shape in (_in_square, _in_ellipse, _in_heart)]
    return (torch.stack(inside).to(torch.uint8) * 255).flatten(0, 2)


def _in_square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) <= math.sqrt(_AREA) / 2


def _in_ellipse(u: Tensor, v: Tensor) -> Tensor:
    width = _AREA / (math.pi * _ELLIPSE_LENGTH)
    return (u / _ELLIPSE_LENGTH) ** 2 + (v / width) ** 2 <= 1


def _in_heart(u: Tensor, v: Tensor) -> Tensor:
    """A square on its corner, and a disc on each of its upper edges; upright, v downwards.

    The edges are two radii long. The origin is the centre of mass, ``rise`` above the square's.
    """
    radius = math.sqrt(_AREA / (4 + math.pi))
    rise = (math.pi + 4 / 3) / (4 + math.pi) * radius / math.sqrt(2)
    up = rise - v
    disc = radius / math.sqrt(2)
    in_square = u.abs() + up.abs() <= 2 * disc
    in_discs = (u.abs() - disc) ** 2 + (up - disc) ** 2 <= radius**2
    return in_square | in_discs
