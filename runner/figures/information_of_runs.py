"""What the variables of a few models know of the image, and what their groups know of the factors.

Shapes: I rows, J columns of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from runner.comparison.representatives import RepresentativeRun
from runner.figures import chart
from runner.figures.style import (
    ACCENT,
    LEGEND_TEXT,
    LINE,
    NUMBER_WIDTH,
    TEXT,
    draw_bars,
    number,
    page,
    place,
    text_width,
    write_ticks,
)

DISCRETE = "#d55e00"

_ROW = 22
"""Height of a row of bars or of a table."""

_BAR = 170
"""Length of the longest bar."""

_COLUMN = 60
"""Least width of a column of a table."""

_MOST = 12
"""Variables that are drawn; further ones are counted."""

_BOLD = 1.15
"""How much wider bold words are."""

_TOP = 8
_LETTERS = "ABCD"
"""Name the runs in the columns of a table."""


class _Table(NamedTuple):
    """I(factor; z_g), with NaN where there is none."""

    values_IJ: NDArray[np.float64]
    rows: Sequence[str]
    columns: Sequence[str]

    @property
    def left(self) -> float:
        """Room for the names of the rows."""
        return text_width(*self.rows) + 14

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the inside."""
        column = max(_COLUMN, text_width(*self.columns, "0") + 12)
        return column * len(self.columns), _ROW * len(self.rows)


def information_panels(chosen: Sequence[RepresentativeRun]) -> Figure | None:
    """Return bars of I(x; z_v) for each run, and tables of I(factor; z_g), in nats.

    Where there is one factor, one table has a column per run; otherwise each run has a table of its
    groups and the factors. None where nothing is known of any run.
    """
    chosen = [each for each in chosen if each.information]
    if not chosen:
        return None
    factors = list(dict.fromkeys(f for c in chosen for part in c.factors.values() for f in part))
    titles = [chart.wrapped(each.name, _BAR + 110) for each in chosen]
    single = len(factors) == 1
    if single and len(chosen) > 1:
        titles = [[f"{_LETTERS[i]}  {first}", *rest] for i, (first, *rest) in enumerate(titles)]
    tables = [_of_runs(chosen, factors[0])] if single else [_of_groups(c, factors) for c in chosen]
    about = f"I({factors[0]}; group), nats" if single else "I(factor; group), nats"
    return _page(chosen, titles, [table for table in tables if table.rows], about)


def _of_runs(chosen: Sequence[RepresentativeRun], factor: str) -> _Table:
    """Return what the groups of each run know of the only factor."""
    groups = list(dict.fromkeys(group for each in chosen for group in each.factors))
    values = [[c.factors.get(group, {}).get(factor, np.nan) for c in chosen] for group in groups]
    columns = _LETTERS[: len(chosen)] if len(chosen) > 1 else [factor]
    return _Table(np.array(values), groups, columns)


def _of_groups(each: RepresentativeRun, factors: Sequence[str]) -> _Table:
    """Return what the groups of a run know of each factor."""
    values = [[part.get(factor, np.nan) for factor in factors] for part in each.factors.values()]
    return _Table(np.array(values), list(each.factors), factors)


def _page(
    chosen: Sequence[RepresentativeRun],
    titles: Sequence[list[str]],
    tables: Sequence[_Table],
    about: str,
) -> Figure:
    """Return the bars, two in a row beside the only table, or one in a row beside its own."""
    across = min(len(chosen), 2 if len(tables) < 2 else 1)
    left = text_width(*(name for each in chosen for name in _shown(each))) + 14
    pitch_x = left + _BAR + NUMBER_WIDTH + chart.GAP
    head = max(map(len, titles)) * LINE + (LINE if len(tables) > 1 else 4)
    rows = [len(_shown(each)) + (len(each.information) > _MOST) for each in chosen]
    tall = [*rows, *(len(table.rows) for table in tables)] if len(tables) > 1 else rows
    pitch_y = head + max(tall) * _ROW + 18
    right = across * pitch_x + max([0, *(table.left for table in tables)])
    width = max([0, *(max(table.size[0], _BOLD * text_width(about)) for table in tables)])
    height = _TOP + LINE + 8 + -(-len(chosen) // across) * pitch_y
    least = _TOP + 2 * LINE + head + max([0, *(table.size[1] for table in tables)])
    kinds = any(each.discrete for each in chosen)
    figure = page(right + width + 8, max(height, least) + (LINE if kinds else 0))
    chart.write(figure, left, _TOP, "I(x; variable), nats", weight="bold")
    if tables:
        chart.write(figure, right, _TOP, about, weight="bold")
    most = max(value for each in chosen for value in each.information.values()) or 1
    for i, each in enumerate(chosen):
        x, y = i % across * pitch_x + left, _TOP + LINE + 8 + i // across * pitch_y
        for line, words in enumerate(titles[i]):
            chart.write(figure, x, y + line * LINE, words)
        _draw_variables(figure, (x, y + head), each, most)
    darkest = max([0.0, *(float(np.nanmax(table.values_IJ)) for table in tables)]) or 1
    for i, table in enumerate(tables):
        top = _TOP + LINE + 8 + i * pitch_y + head
        _draw_table(place(figure, (right, top, *table.size)), table, darkest)
    if kinds:
        _write_kinds(figure, (left, max(height, least) - 14))
    return figure


def _shown(each: RepresentativeRun) -> list[str]:
    return list(each.information)[:_MOST]


def _draw_variables(
    figure: Figure, corner: tuple[float, float], each: RepresentativeRun, most: float
) -> None:
    """Draw the bars of a run, on the scale of all runs."""
    names = _shown(each)
    axes = place(figure, (*corner, _BAR, _ROW * len(names)))
    draw_bars(axes, [(y, each.information[name]) for y, name in enumerate(names)], thickness=0.6)
    for name, bar in zip(names, axes.patches, strict=True):
        bar.set_color(DISCRETE if name in each.discrete else ACCENT)
    axes.set(xlim=(0, most), ylim=(len(names) - 0.5, -0.5))
    write_ticks(axes, "left", range(len(names)), names)
    further = list(each.information.values())[_MOST:]
    if further:
        words = f"and {len(further)} more, {number(further[0])} at most"
        chart.write(figure, corner[0], corner[1] + _ROW * len(names) + 4, words)


def _draw_table(axes: Axes, table: _Table, darkest: float) -> None:
    """Draw a cell for each number, the darker the more; what does not exist is left white."""
    edges_J, edges_I = (np.arange(length + 1) - 0.5 for length in table.values_IJ.T.shape)
    colours = matplotlib.colormaps["Blues"]
    known_IJ = np.ma.masked_invalid(table.values_IJ)
    configurations = axes.pcolormesh(edges_J, edges_I, known_IJ, cmap=colours, vmin=0, vmax=darkest)
    configurations.set(edgecolor="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(table.values_IJ):
        if np.isfinite(value):
            style = {**TEXT, "color": "white"} if value > 0.65 * darkest else TEXT
            axes.text(column, row, number(float(value)), ha="center", va="center", **style)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    write_ticks(axes, "left", range(len(table.rows)), table.rows)
    write_ticks(axes, "top", range(len(table.columns)), table.columns)


def _write_kinds(figure: Figure, corner: tuple[float, float]) -> None:
    """Say which colour is which kind of variable."""
    axes = place(figure, (*corner, 250, LINE))
    axes.legend(
        [Patch(color=ACCENT), Patch(color=DISCRETE)],
        ["continuous", "discrete"],
        loc="upper left",
        borderaxespad=0,
        borderpad=0,
        ncols=2,
        columnspacing=1.2,
        handlelength=1.2,
        handletextpad=0.5,
        frameon=False,
        **LEGEND_TEXT,
    )
