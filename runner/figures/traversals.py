"""What one variable does to an image: a figure, and the frames of an animation.

Shapes: T steps of a traversal, C H W image, F frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.evaluation.traversal_rows import TraversalRow
from runner.figures.montage import Margins, Montage, tile
from runner.figures.style import (
    LINE,
    NUMBER_WIDTH,
    TEXT,
    draw_bars,
    page,
    place,
    text_width,
    write_ticks,
)

_BAR = 100
"""Length of the longest information bar, in pixels of the page."""

_TOP = 24
"""Height of the words above the images."""

_NOTE_ON_CATEGORIES = "rows of a category: each column keeps one image's other variables"

_TILE = 120
"""Edge of an image in the animation, as near as a whole zoom comes to it."""

_GAP = 16
"""White between the images of the animation, and between a figure's images and its bars."""


def traversals(
    rows: Sequence[TraversalRow],
    positions: Sequence[float],
    unit: str = "prior standard deviations",
) -> Figure:
    """Return a row of images per variable, with the variable's information beside it.

    ``positions`` are the values of the variable, in ``unit``.
    """
    labels = [row.label for row in rows]
    images_ITCHW = np.stack([row.images_TCHW for row in rows])
    montage = tile(images_ITCHW, rows_apart=list(_blocks_apart(rows)))
    notes = [f"value of the variable, in {unit}"]
    if any(len(block) > 1 for block in _blocks(rows)):
        notes.append(_NOTE_ON_CATEGORIES)
    counted = any(row.information is not None for row in rows)
    left = round(text_width(*labels)) + 14
    beside = _GAP + _BAR + NUMBER_WIDTH if counted else 8
    right = max(beside, text_width(*notes) + 8 - montage.size[1])
    figure, axes = montage.draw(Margins(left, right, _TOP, (2 + len(notes)) * LINE))
    write_ticks(axes, "left", montage.centres_I, labels)
    _write_positions(axes, montage, positions)
    axes.set_xlabel("\n".join(notes), loc="left", labelpad=4, **TEXT)
    if counted:
        height, width = montage.size
        bars = place(figure, (left + width + _GAP, _TOP, _BAR, height))
        _draw_information(bars, montage, rows)
        bars.set_ylim(axes.get_ylim())
    return figure


def traversal_frames(rows: Sequence[TraversalRow]) -> NDArray[np.uint8]:
    """Return frames that show every variable at one step, swinging forth and back, (F, H, W, 3).

    A Concrete variable steps through its categories. T steps give 2T - 2 frames: repeated, the last
    is followed by the first.
    """
    variables = [_variable(block) for block in _blocks(rows)]
    steps, _, height, width = rows[0].images_TCHW.shape
    zoom = max(1, round(_TILE / max(height, width)))
    labels = [label for label, _ in variables]
    pitch_x = max(zoom * width, math.ceil(text_width(*labels))) + _GAP
    pitch_y = zoom * height + LINE + _GAP
    columns = math.ceil(math.sqrt(len(variables)))
    size = (columns * pitch_x, math.ceil(len(variables) / columns) * pitch_y)
    corners = [
        (i // columns * pitch_y + _GAP // 2 + LINE, i % columns * pitch_x + _GAP // 2)
        for i in range(len(variables))
    ]
    way = [*range(steps), *range(steps - 2, 0, -1)]
    frames_FHW3 = np.repeat(_words(labels, corners, size)[None], len(way), axis=0)
    for (_, images_TCHW), (top, left) in zip(variables, corners, strict=True):
        bytes_TCHW = np.rint(255 * images_TCHW.clip(0, 1)).astype(np.uint8)
        tiles_THWC = bytes_TCHW.repeat(zoom, 2).repeat(zoom, 3).transpose(0, 2, 3, 1)
        box = np.s_[:, top : top + zoom * height, left : left + zoom * width]
        frames_FHW3[box] = tiles_THWC[way]
    return frames_FHW3


def _blocks(rows: Sequence[TraversalRow]) -> list[list[TraversalRow]]:
    """Return the rows of each variable: those of a discrete one's categories stand together."""
    return [list(block) for _, block in groupby(rows, lambda row: row.label.partition(" = ")[0])]


def _blocks_apart(rows: Sequence[TraversalRow]) -> Iterator[int]:
    """Yield the first row of every Concrete variable, and the row after its last."""
    start, before = 0, 1
    for size in map(len, _blocks(rows)):
        if max(size, before) > 1:
            yield start
        start, before = start + size, size


def _variable(block: Sequence[TraversalRow]) -> tuple[str, NDArray[np.floating]]:
    """Return a variable's name and its images: for a Concrete one, one image in each category."""
    label, images_TCHW = block[0].label, block[0].images_TCHW
    if len(block) == 1:
        return label, images_TCHW
    chosen_T = np.linspace(0, len(block) - 1, len(images_TCHW)).round().astype(int)
    return label.partition(" = ")[0], np.stack([block[k].images_TCHW[0] for k in chosen_T])


def _write_positions(axes: Axes, montage: Montage, positions: Sequence[float]) -> None:
    """Write the traversed values below their columns, as many as there is room for."""
    words = [f"{position:.2g}".replace("-", "\N{MINUS SIGN}") for position in positions]
    pitch = montage.size[1] / len(positions)
    every = math.ceil((text_width(*words) + 8) / pitch)
    chosen = slice(len(positions) // 2 % every, None, every)  # the middle of the range is named
    write_ticks(axes, "bottom", montage.centres_J[chosen], words[chosen])


def _draw_information(axes: Axes, montage: Montage, rows: Sequence[TraversalRow]) -> None:
    """Draw the information of each variable beside its row."""
    bars = [
        (y, row.information)
        for y, row in zip(montage.centres_I, rows, strict=True)
        if row.information is not None
    ]
    draw_bars(axes, bars, thickness=min(montage.height / 2, 16 / montage.zoom))
    axes.set_title("information, nats", loc="left", pad=5, **TEXT)


def _words(
    words: Sequence[str], corners: Sequence[tuple[int, int]], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a white page of that width and height with words above corners, (H, W, 3)."""
    figure = page(*size)
    canvas = FigureCanvasAgg(figure)
    axes = place(figure, (0, 0, *size))
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    for word, (top, left) in zip(words, corners, strict=True):
        axes.text(left, top - 6, word, **TEXT)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
