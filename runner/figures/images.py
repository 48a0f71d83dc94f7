"""Images side by side: reconstructions, samples, interpolations, and the montage they are drawn as.

An image's pixel covers a whole number of the figure's, so that nothing is blurred and no row of
pixels is lost.

Shapes: N images, P pairs of images, T images in a row, I rows, J columns, C H W image, Y X the
tiled array.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from runner.figures.page import DPI, PRINT_DPI, is_narrow, room
from runner.figures.style import ACCENT, fit, new_figure, styled, text_width

_TILE = 64
_WIDEST = 820
"""Pixels of the figure up to which images and rows of images are enlarged."""

_MARGIN = 20
"""Pixels of white beside all that is drawn on a page."""

_COLUMNS = 12


@dataclass(frozen=True)
class Montage:
    """Images in rows and columns on white, as one array of colours in [0, 1]."""

    array_YX3: NDArray[np.float32]
    tops_I: NDArray[np.intp]
    lefts_J: NDArray[np.intp]
    height: int
    width: int
    beside: float = 0
    """Pixels that the figure needs beside the images, for names and bars."""

    @property
    def centres_I(self) -> list[float]:
        """Where the middle of each row is, in the coordinates of the drawn array."""
        return (self.tops_I + (self.height - 1) / 2).tolist()

    @property
    def centres_J(self) -> list[float]:
        """Where the middle of each column is, in the coordinates of the drawn array."""
        return (self.lefts_J + (self.width - 1) / 2).tolist()

    @property
    def zoom(self) -> float:
        """Pixels of the figure along the edge of a pixel of an image: a whole number.

        On a page it is a multiple of a third if possible: a whole number of the pixels of a file
        for print.
        """
        length = self.array_YX3.shape[1]
        free = room(_WIDEST + self.beside + _MARGIN) - self.beside - _MARGIN
        most = max(1, _TILE // max(self.height, self.width))
        if room(0) == 0:
            return max(1, min(most, int(free // length)))
        finest = PRINT_DPI // DPI
        thirds = int(finest * free // length)
        return min(most, thirds / finest) if thirds else 1 / math.ceil(length / max(free, 1))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in the figure, in its pixels."""
        height, width = self.array_YX3.shape[:2]
        return round(self.zoom * height), round(self.zoom * width)

    def draw(self, axes: Axes) -> None:
        """Draw the images into axes of their size, without lines or ticks."""
        # In vector files "none" keeps the pixels of the images as they are.
        small = self.zoom * PRINT_DPI < DPI
        axes.imshow(self.array_YX3, interpolation="auto" if small else "none")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set(xticks=[], yticks=[])

    def new_figure(self) -> tuple[Figure, GridSpec, Axes]:
        """Return a figure of the montage alone."""
        height, width = self.size
        figure, grid = new_figure([height], [width])
        axes = figure.add_subplot(grid[0])
        self.draw(axes)
        return figure, grid, axes


def tile(
    images_IJCHW: NDArray[np.floating],
    *,
    rows_apart: Collection[int] = (),
    columns_apart: Collection[int] = (),
    beside: float = 0,
) -> Montage:
    """Return the images as one array; a row or column named is set apart from the one before it.

    Images are grey (C = 1) or in colour (C = 3); values outside [0, 1] are clipped. ``beside``:
    pixels that the figure needs beside them.
    """
    rows, columns, _, height, width = images_IJCHW.shape
    gutter = max(1, round(width / 16))
    tops_I = _starts(rows, height, gutter, rows_apart)
    lefts_J = _starts(columns, width, gutter, columns_apart)
    array_YX3 = np.ones((tops_I[-1] + height, lefts_J[-1] + width, 3), np.float32)
    for top, images_JCHW in zip(tops_I, images_IJCHW, strict=True):
        for left, image_CHW in zip(lefts_J, images_JCHW, strict=True):
            array_YX3[top : top + height, left : left + width] = image_CHW.transpose(1, 2, 0)
    return Montage(array_YX3.clip(0, 1), tops_I, lefts_J, height, width, beside)


def in_rows(images_NCHW: NDArray[np.floating], columns: int) -> NDArray[np.floating]:
    """Return the images in rows of ``columns``, the last one filled up with white, (I,J,C,H,W)."""
    missing = -len(images_NCHW) % columns
    white_NCHW = np.ones((missing, *images_NCHW.shape[1:]), images_NCHW.dtype)
    filled_NCHW = np.concatenate([images_NCHW, white_NCHW])
    return filled_NCHW.reshape(-1, columns, *images_NCHW.shape[1:])


def _starts(count: int, length: int, gutter: int, apart: Collection[int]) -> NDArray[np.intp]:
    """Return where each image of a line starts."""
    gaps = [0 if i == 0 else 4 * gutter if i in apart else gutter for i in range(count)]
    return np.cumsum(gaps) + length * np.arange(count)


@styled()
def reconstructions(
    originals_NCHW: NDArray[np.floating], reconstructions_NCHW: NDArray[np.floating]
) -> Figure:
    """Return rows of images, each with the row of their reconstructions below it."""
    names = ["image", "reconstruction"]
    columns = min(_COLUMNS // 2 if is_narrow() else _COLUMNS, len(originals_NCHW))
    pairs = [in_rows(originals_NCHW, columns), in_rows(reconstructions_NCHW, columns)]
    rows_IJCHW = np.stack(pairs, axis=1).reshape(-1, *pairs[0].shape[1:])
    apart = range(2, len(rows_IJCHW), 2)
    montage = tile(rows_IJCHW, rows_apart=apart, beside=text_width(*names))
    figure, grid, axes = montage.new_figure()
    axes.set_yticks(montage.centres_I, names * len(pairs[0]))
    return fit(figure, grid)


@styled()
def samples(images_NCHW: NDArray[np.floating]) -> Figure:
    """Return the images in a grid that is about as wide as it is high."""
    columns = math.ceil(math.sqrt(len(images_NCHW)))
    figure, grid, _ = tile(in_rows(images_NCHW, columns)).new_figure()
    return fit(figure, grid)


@styled()
def interpolation(images_PTCHW: NDArray[np.floating]) -> Figure:
    """Return a row per pair of images: one, decodings of codes between theirs, the other.

    The first and the last column hold the images themselves; they are framed.
    """
    last = images_PTCHW.shape[1] - 1
    montage = tile(images_PTCHW, columns_apart=(1, last))
    figure, grid, axes = montage.new_figure()
    for top in montage.tops_I:
        for left in montage.lefts_J[[0, last]]:
            frame = Rectangle((left - 0.5, top - 0.5), montage.width, montage.height)
            frame.set(fill=False, edgecolor=ACCENT, linewidth=1.5, clip_on=False)
            axes.add_patch(frame)
    first, *_, end = montage.centres_J
    between = "reconstruction \N{RIGHTWARDS ARROW} reconstruction"
    if text_width(between) > montage.zoom * (montage.lefts_J[last] - montage.lefts_J[1]):
        between = "reconstruction"
    axes.xaxis.tick_top()
    axes.set_xticks([first, (first + end) / 2, end], ["image", between, "image"])
    return fit(figure, grid)
