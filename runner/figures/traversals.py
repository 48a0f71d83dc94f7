"""What a variable does to an image: rows of images of one model, or of a few side by side.

Shapes: T steps of a traversal, I rows, C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.evaluation.traversal_rows import Traversal, TraversalRow
from runner.figures.bars import draw_bars, reach
from runner.figures.images import Montage, tile
from runner.figures.numbers import short_number
from runner.figures.page import is_narrow, room
from runner.figures.style import fit, new_figure, shorten, styled, text_width, wrap

_BAR = 100
"""Length of the longest bar, in pixels."""

_BOLD = 1.15
"""How much wider bold text is."""

_SHORT_BAR = 60
"""Its length on a narrow page."""

_BESIDE = 80
"""Pixels of the numbers of bars and the white around them."""

_LEAST_TILE = 18
"""Height of images in pixels on a page, of which fewer are drawn if need be."""

_FEWEST = 4
"""Steps of a traversal that are drawn in any case."""

_LEAST_NOTE = 250
"""Pixels in which a note below a few images is written."""

_EQUALS = " = "
"""Between the name of a discrete variable and its category."""

_ROWS_OF_CATEGORIES = "rows of a category: each column is one image, in that category"
_ROW_OF_CATEGORIES = "a row of categories: one in each column"

_MOST = 6
"""Variables of each of several models that are shown, the most informative ones."""


@styled()
def traversals(
    rows: Sequence[TraversalRow],
    positions: Sequence[float],
    unit: str = "prior standard deviations",
) -> Figure:
    """Return a row of images per variable, with the variable's information beside it.

    ``positions`` are the values of the variable, in ``unit``. Discrete variables, which do not take
    these values, stand above all others.
    """
    blocks = _discrete_first(of_variables(rows))
    rows, apart = [row for block in blocks for row in block], list(_apart(blocks))
    known = [row.information for row in rows if row.information is not None]
    beside = text_width(*(row.label for row in rows)) + (_bar() + _BESIDE if known else 0)
    montage = tile(np.stack([row.images_TCHW for row in rows]), rows_apart=apart, beside=beside)
    if montage.zoom * montage.height < _LEAST_TILE and len(positions) > _FEWEST:  # half of them
        halved = [replace(row, images_TCHW=row.images_TCHW[::2]) for row in rows]
        return traversals(halved, positions[::2], unit)
    height, width = montage.size
    figure, grid = new_figure([height], [width] + [_bar()] * bool(known))
    axes = figure.add_subplot(grid[0])
    notes = _notes(blocks, unit, _ROWS_OF_CATEGORIES, montage)
    _draw_images(axes, montage, rows, _values(blocks, positions), notes)
    if known:
        _draw_information(figure.add_subplot(grid[1]), montage, rows, known)
    return fit(figure, grid)


@styled()
def traversals_of_runs(models: Sequence[Traversal]) -> Figure:
    """Return the models' most informative variables, two models in a row, below the first image.

    Bars beside the rows are I(x; z_v) in nats, all on one scale.
    """
    blocks = [_discrete_first(of_variables(model.rows)[:_MOST]) for model in models]
    steps = max(len(model.positions) for model in models)
    shown = [list(_few_rows(each, steps)) for each in blocks]
    known = [row.information for rows in shown for row in rows if row.information is not None]
    across = min(1 if is_narrow() else 2, len(models))
    names = text_width(*(row.label for rows in shown for row in rows))
    beside = names + (_bar() + _BESIDE if known else 0)
    beside += room(0) * (across - 1) / across  # what other models need of a page
    original_TCHW = models[0].original_CHW[None]
    first, *montages = (
        _montage([row.images_TCHW for row in rows], steps, beside)
        for rows in ([TraversalRow("", None, original_TCHW)], *shown)
    )
    heights, width = [montage.size[0] for montage in montages], first.size[1]
    highest = [max(heights[i : i + across]) for i in range(0, len(models), across)]
    per_model = [width, _bar()] if known else [width]
    figure, grid = new_figure([first.size[0], *highest], per_model * across)
    _draw_original(figure.add_subplot(grid[0, 0]), first)
    for i, (model, rows, montage) in enumerate(zip(models, shown, montages, strict=True)):
        row, column = 1 + i // across, i % across * len(per_model)
        axes = figure.add_subplot(grid[row, column])
        notes = _notes(blocks[i], model.unit, _ROW_OF_CATEGORIES, montage)
        _draw_images(axes, montage, rows, _values(blocks[i], model.positions), notes)
        axes.set_title(wrap(model.name, width / _BOLD), weight="bold")
        if known:
            bars = figure.add_subplot(grid[row, column + 1])
            _draw_information(bars, montage, rows, known)
    fit(figure, grid)
    for i, axes in enumerate(figure.axes[1:]):
        shorten(axes, heights[i // len(per_model)])
    return figure


def _bar() -> int:
    return _SHORT_BAR if is_narrow() else _BAR


def of_variables(rows: Sequence[TraversalRow]) -> list[list[TraversalRow]]:
    """Return the rows of each variable: those of a discrete one's categories stand together."""
    return [list(block) for _, block in groupby(rows, lambda row: row.label.partition(_EQUALS)[0])]


def _is_discrete(block: Sequence[TraversalRow]) -> bool:
    return _EQUALS in block[0].label


def _discrete_first(blocks: Sequence[list[TraversalRow]]) -> list[list[TraversalRow]]:
    """Return discrete variables and then the others, so that values stand right below the latter.

    Both stay in their order, the most informative first.
    """
    return sorted(blocks, key=lambda block: not _is_discrete(block))


def _apart(blocks: Sequence[Sequence[TraversalRow]]) -> Iterator[int]:
    """Yield the first row of every discrete variable, and the row after its last."""
    start, before = 0, 1
    for size in map(len, blocks):
        if max(size, before) > 1:
            yield start
        start, before = start + size, size


def _few_rows(blocks: Sequence[list[TraversalRow]], steps: int) -> Iterator[TraversalRow]:
    """Yield a row per variable; the categories of a discrete one beside each other, in few rows.

    The first images of the rows of a category differ in the category alone.
    """
    for block in blocks:
        if not _is_discrete(block):
            yield block[0]
            continue
        name = block[0].label.partition(_EQUALS)[0]
        for part in np.array_split(np.arange(len(block)), math.ceil(len(block) / steps)):
            first, last = part[[0, -1]].tolist()
            label = f"{name} {first}\N{EN DASH}{last}" if last > first else f"{name} {first}"
            images_TCHW = np.stack([block[k].images_TCHW[0] for k in part])
            yield TraversalRow(label, block[first].information, images_TCHW)


def _montage(rows: Sequence[NDArray[np.floating]], steps: int, beside: float) -> Montage:
    """Return rows of images; short ones are filled up with white."""
    white_ITCHW = np.ones((len(rows), steps, *rows[0].shape[1:]), np.float32)
    for images_TCHW, found_TCHW in zip(white_ITCHW, rows, strict=True):
        images_TCHW[: len(found_TCHW)] = found_TCHW
    return tile(white_ITCHW, beside=beside)


def _draw_original(axes: Axes, montage: Montage) -> None:
    """Draw the image that all rows start from, and say so beside it."""
    montage.draw(axes)
    beside = montage.width + 10 / montage.zoom, montage.centres_I[0]
    text = axes.text(*beside, "the test image that\nall rows start from", va="center")
    text.set_in_layout(False)  # there is nothing else in its row


def _draw_images(
    axes: Axes, montage: Montage, rows: Sequence[TraversalRow], values: Sequence[str], notes: str
) -> None:
    """Draw the images with the names of the rows and as many values as there is room for."""
    montage.draw(axes)
    axes.set_yticks(montage.centres_I, [row.label for row in rows])
    axes.set_xlabel(notes, loc="left")
    if values:
        centres = montage.centres_J[: len(values)]
        every = math.ceil((text_width(*values) + 8) * len(montage.centres_J) / montage.size[1])
        chosen = slice(len(values) // 2 % every, None, every)  # the middle of the range is named
        axes.set_xticks(centres[chosen], values[chosen])


def _values(blocks: Sequence[Sequence[TraversalRow]], positions: Sequence[float]) -> list[str]:
    """Return the values of the rows right above, or none where those are of categories."""
    if _is_discrete(blocks[-1]):
        return []
    return [short_number(round(position, 2)) for position in positions]


def _notes(
    blocks: Sequence[Sequence[TraversalRow]], unit: str, of_categories: str, montage: Montage
) -> str:
    """Return what is written below the rows."""
    notes = [] if _is_discrete(blocks[-1]) else [f"value of the variable, {unit}"]
    notes += [of_categories] if _is_discrete(blocks[0]) else []
    width = room(0) and max(montage.size[1] + montage.beside / 2, _LEAST_NOTE)
    return "\n".join(wrap(note, width) if width else note for note in notes)


def _draw_information(
    axes: Axes, montage: Montage, rows: Sequence[TraversalRow], every: Sequence[float]
) -> None:
    """Draw the information of each variable beside its row, on the scale of ``every`` bar.

    Where it is known of no row, the axes stay empty.
    """
    places = zip(montage.centres_I, (row.information for row in rows), strict=True)
    known = [(place, value) for place, value in places if value is not None]
    if not known:
        axes.set_axis_off()
        return
    thickness = min(montage.height / 2, 16 / montage.zoom)
    draw_bars(axes, [y for y, _ in known], [value for _, value in known], thickness=thickness)
    axes.set(xlim=reach(every), ylim=(len(montage.array_YX3) - 0.5, -0.5))
    axes.set_title("I(x; z), nats")
