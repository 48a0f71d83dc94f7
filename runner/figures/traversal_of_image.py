"""One image, its reconstruction, and what each variable of its code does to it.

Shapes: T images in a row, C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.figures.images import Montage, tile
from runner.figures.numbers import short_number
from runner.figures.style import fit, new_figure, styled, text_width

_SPACE = 8
"""Pixels between the texts of neighbouring ticks."""


@dataclass(frozen=True, eq=False)
class ImageRow:
    """A row of images with its name."""

    label: str
    images_TCHW: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Rows whose columns mean the same."""

    rows: Sequence[ImageRow]
    ticks: Sequence[str]
    """What stands below each column."""
    title: str
    """What the ticks are."""


def block_of_values(rows: Sequence[ImageRow], values: Sequence[float], title: str) -> RowBlock:
    """Return the rows of continuous variables, which take the same values in some unit."""
    return RowBlock(rows, [short_number(round(value, 2)) for value in values], title)


def block_of_categories(name: str, images_KCHW: NDArray[np.floating], columns: int) -> RowBlock:
    """Return a discrete variable's categories, in as many rows as they need."""
    firsts = range(0, len(images_KCHW), columns)
    rows = [ImageRow(_label(name, k, columns, len(images_KCHW)), images_KCHW[k : k + columns])
            for k in firsts]  # fmt: skip
    alone = len(rows) == 1
    ticks = [str(k) for k in range(len(images_KCHW))] if alone else []
    title = name if name == "category" else f"category of {name}"
    return RowBlock(rows, ticks, title if alone else "")


def _label(name: str, first: int, columns: int, count: int) -> str:
    if count <= columns:
        return name
    last = min(first + columns, count) - 1
    return f"{name} {first}\N{EN DASH}{last}" if last > first else f"{name} {first}"


@styled()
def traversal_of_image(
    image_CHW: NDArray[np.floating],
    reconstruction_CHW: NDArray[np.floating],
    blocks: Sequence[RowBlock],
) -> Figure:
    """Return the image and its reconstruction above the rows of each block."""
    columns = max(2, *(len(row.images_TCHW) for block in blocks for row in block.rows))
    pair = ImageRow("", np.stack([image_CHW, reconstruction_CHW]))
    parts = [RowBlock([pair], ["image", "recon-\nstruction"], ""), *blocks]
    montages = [_montage(block.rows, columns) for block in parts]
    heights = [montage.size[0] for montage in montages]
    figure, grid = new_figure(heights, [montages[0].size[1]])
    for place, (block, montage) in enumerate(zip(parts, montages, strict=True)):
        axes = figure.add_subplot(grid[place])
        montage.draw(axes)
        axes.set_yticks(montage.centres_I, [row.label for row in block.rows])
        if block.ticks:
            every = _every(block.ticks, montage)
            middle = len(block.ticks) // 2 % every
            centres = montage.centres_J[: len(block.ticks)]
            axes.set_xticks(centres[middle::every], block.ticks[middle::every])
        if block.title:
            axes.set_xlabel(block.title, loc="left")
    return fit(figure, grid)


def _every(ticks: Sequence[str], montage: Montage) -> int:
    """Return how many columns there are from one tick to the next, so that texts do not touch."""
    lines = [line for tick in ticks for line in tick.splitlines()]
    pitch = montage.size[1] / len(montage.centres_J)
    return max(1, math.ceil((text_width(*lines) + _SPACE) / pitch)) if len(ticks) > 2 else 1


def _montage(rows: Sequence[ImageRow], columns: int) -> Montage:
    """Return rows of images; short ones are filled up with white."""
    white_ITCHW = np.ones((len(rows), columns, *rows[0].images_TCHW.shape[1:]), np.float32)
    for images_TCHW, row in zip(white_ITCHW, rows, strict=True):
        images_TCHW[: len(row.images_TCHW)] = row.images_TCHW
    return tile(white_ITCHW)
