"""Traversals of a few models side by side, all from the same image.

Shapes: T images in a row, R rows, C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.evaluation.traversal_rows import Traversal, TraversalRow
from runner.figures import chart
from runner.figures.montage import Montage, tile
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

_VARIABLES = 6
"""Variables of each model that are shown, the most informative ones."""

_BAR = 70
_GAP = 14
"""White between images and bars."""

_TOP = 8


def traversal_board(blocks: Sequence[Traversal]) -> Figure:
    """Return the models' most informative variables, two models in a row, below the first image.

    Bars beside the rows are I(x; z_v) in nats, all on one scale.
    """
    strips = [list(_strips(block)) for block in blocks]
    steps = len(blocks[0].positions)
    montages = [_montage(each, steps) for each in strips]
    height, width = np.max([montage.size for montage in montages], axis=0).tolist()
    known = [row.information for each in strips for row in each if row.information is not None]
    left = text_width(*(row.label for each in strips for row in each)) + 14
    beside = _GAP + _BAR + NUMBER_WIDTH if known else 8
    titles = [chart.wrapped(block.name, width + beside) for block in blocks]
    head = (max(map(len, titles)) + 1) * LINE + 2
    pitch_x, pitch_y = left + width + beside + chart.GAP, head + height + 2 * LINE + 26
    across = min(2, len(blocks))
    top = _draw_height(montages[0], blocks[0]) + 2 * _TOP
    figure = page(across * pitch_x - 16, top + math.ceil(len(blocks) / across) * pitch_y)
    _draw_original(figure, left, blocks[0], montages[0])
    for i, block in enumerate(blocks):
        x, y = i % across * pitch_x + left, top + i // across * pitch_y
        for line, words in enumerate(titles[i]):
            chart.write(figure, x, y + line * LINE, words, weight="bold")
        _draw_images(figure, (x, y + head), block, strips[i])
        if known:
            bars = (x + montages[i].size[1] + _GAP, y + head, _BAR, montages[i].size[0])
            _draw_information(place(figure, bars), montages[i], strips[i], max(known) or 1)
    return figure


def _strips(traversal: Traversal) -> Iterator[TraversalRow]:
    """Yield a row per variable; the categories of a discrete one beside each other, in few rows.

    The first images of the rows of a category differ in the category alone.
    """
    steps = len(traversal.positions)
    variables = groupby(traversal.rows, lambda row: row.label.partition(" = ")[0])
    for _, (name, found) in zip(range(_VARIABLES), variables, strict=False):
        block = list(found)
        if len(block) == 1:
            yield block[0]
            continue
        for part in np.array_split(np.arange(len(block)), math.ceil(len(block) / steps)):
            first, last = part[[0, -1]].tolist()
            label = f"{name} {first}\N{EN DASH}{last}" if last > first else f"{name} {first}"
            images_TCHW = np.stack([block[k].images_TCHW[0] for k in part])
            yield TraversalRow(label, block[first].information, images_TCHW)


def _montage(strips: Sequence[TraversalRow], steps: int) -> Montage:
    """Return the images of the rows; short ones are filled up with white."""
    shape = (len(strips), steps, *strips[0].images_TCHW.shape[1:])
    images_RTCHW = np.ones(shape, np.float32)
    for images_TCHW, strip in zip(images_RTCHW, strips, strict=True):
        images_TCHW[: len(strip.images_TCHW)] = strip.images_TCHW
    return tile(images_RTCHW)


def _draw_height(montage: Montage, block: Traversal) -> int:
    """Return the height on the page of the image that all start from."""
    return montage.zoom * block.original_CHW.shape[1]


def _draw_original(figure: Figure, left: float, block: Traversal, montage: Montage) -> None:
    """Draw the image that all rows start from, at the size of the others."""
    _, height, width = block.original_CHW.shape
    box = (left, _TOP, montage.zoom * width, montage.zoom * height)
    image = tile(block.original_CHW[None, None]).array_YX3
    place(figure, box).imshow(image, interpolation="nearest", aspect="auto")
    chart.write(
        figure, left + box[2] + 10, _TOP + box[3] / 2 - 6, "the test image that all rows start from"
    )


def _draw_images(
    figure: Figure, corner: tuple[float, float], block: Traversal, strips: Sequence[TraversalRow]
) -> None:
    """Draw the images of a model with the names of the rows and the values of the columns."""
    steps = len(block.positions)
    montage = _montage(strips, steps)
    height, width = montage.size
    axes = place(figure, (*corner, width, height))
    axes.imshow(montage.array_YX3, interpolation="nearest", aspect="auto")
    write_ticks(axes, "left", montage.centres_I, [strip.label for strip in strips])
    words = [f"{position:.3g}".replace("-", "\N{MINUS SIGN}") for position in block.positions]
    every = math.ceil((text_width(*words) + 8) * steps / width)
    chosen = slice(steps // 2 % every, None, every)  # the middle of the range is named
    write_ticks(axes, "bottom", montage.centres_J[chosen], words[chosen])
    axes.set_xlabel(f"value of the variable, {block.unit}", loc="left", labelpad=2, **TEXT)


def _draw_information(
    axes: Axes, montage: Montage, strips: Sequence[TraversalRow], most: float
) -> None:
    """Draw the information of each variable beside its row."""
    bars = [
        (y, strip.information)
        for y, strip in zip(montage.centres_I, strips, strict=True)
        if strip.information is not None
    ]
    draw_bars(axes, bars, thickness=min(montage.height / 2, 14 / montage.zoom))
    axes.set(xlim=(0, most), ylim=(len(montage.array_YX3) - 0.5, -0.5))
    axes.set_title("I(x; z), nats", loc="left", pad=4, **TEXT)
