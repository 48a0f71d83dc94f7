"""Images side by side as one array, drawn to the pixel.

An image's pixel covers a whole number of the page's pixels, so that nothing is blurred and no row
of pixels is lost.

Shapes: N images, I rows, J columns, C H W image, Y X the tiled array.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.figures.style import page, place

_TILE = 64
_WIDEST = 820
"""Pixels of the page up to which images and rows of images are enlarged, to fit a README."""


class Margins(NamedTuple):
    """White space around a montage for words and bars, in pixels of the page."""

    left: float = 4
    right: float = 4
    top: float = 4
    bottom: float = 4


@dataclass(frozen=True)
class Montage:
    """Images in rows and columns on white, as one array of colours in [0, 1]."""

    array_YX3: NDArray[np.float32]
    tops_I: NDArray[np.intp]
    lefts_J: NDArray[np.intp]
    height: int
    width: int

    @property
    def centres_I(self) -> list[float]:
        """Where the middle of each row is, in the coordinates of the drawn array."""
        return (self.tops_I + (self.height - 1) / 2).tolist()

    @property
    def centres_J(self) -> list[float]:
        """Where the middle of each column is, in the coordinates of the drawn array."""
        return (self.lefts_J + (self.width - 1) / 2).tolist()

    @property
    def zoom(self) -> int:
        """Pixels of the page along the edge of a pixel of an image."""
        tile = _TILE // max(self.height, self.width)
        return max(1, min(tile, _WIDEST // self.array_YX3.shape[1]))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width on the page, in its pixels."""
        height, width = self.array_YX3.shape[:2]
        return self.zoom * height, self.zoom * width

    def draw(self, margins: Margins) -> tuple[Figure, Axes]:
        """Return a page that just holds the montage and its margins, and the montage's axes."""
        left, right, top, bottom = (round(margin) for margin in margins)
        height, width = self.size
        figure = page(left + width + right, top + height + bottom)
        axes = place(figure, (left, top, width, height))
        axes.imshow(self.array_YX3, interpolation="nearest", aspect="auto")
        return figure, axes


def tile(
    images_IJCHW: NDArray[np.floating],
    *,
    rows_apart: Collection[int] = (),
    columns_apart: Collection[int] = (),
) -> Montage:
    """Return the images as one array; a row or column named is set apart from the one before it.

    Images are grey (C = 1) or in colour (C = 3); values outside [0, 1] are clipped.
    """
    rows, columns, _, height, width = images_IJCHW.shape
    gutter = max(1, round(width / 16))
    tops_I = _starts(rows, height, gutter, rows_apart)
    lefts_J = _starts(columns, width, gutter, columns_apart)
    array_YX3 = np.ones((tops_I[-1] + height, lefts_J[-1] + width, 3), np.float32)
    for top, images_JCHW in zip(tops_I, images_IJCHW, strict=True):
        for left, image_CHW in zip(lefts_J, images_JCHW, strict=True):
            array_YX3[top : top + height, left : left + width] = image_CHW.transpose(1, 2, 0)
    return Montage(array_YX3.clip(0, 1), tops_I, lefts_J, height, width)


def grid(images_NCHW: NDArray[np.floating], columns: int) -> NDArray[np.floating]:
    """Return the images in rows of ``columns``, the last one filled up with white, (I,J,C,H,W)."""
    missing = -len(images_NCHW) % columns
    white_NCHW = np.ones((missing, *images_NCHW.shape[1:]), images_NCHW.dtype)
    filled_NCHW = np.concatenate([images_NCHW, white_NCHW])
    return filled_NCHW.reshape(-1, columns, *images_NCHW.shape[1:])


def _starts(count: int, length: int, gutter: int, apart: Collection[int]) -> NDArray[np.intp]:
    """Return where each image of a line starts."""
    gaps = [0 if i == 0 else 4 * gutter if i in apart else gutter for i in range(count)]
    return np.cumsum(gaps) + length * np.arange(count)
