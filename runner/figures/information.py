"""Information of variables about the image, I(x; z), and of groups about the factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from runner.comparison.representatives import RepresentativeRun
from runner.figures.bars import PALE, draw_bars
from runner.figures.style import (
    ACCENT,
    COLOURS,
    fit,
    new_figure,
    number,
    shorten,
    styled,
    text_width,
    wrap,
)
from runner.figures.tables import Table, draw_table

DISCRETE = COLOURS[1]
_ROW = 24
"""Height of a row of bars or of a table."""

_BAR, _SHORT_BAR = 250, 170
"""Length of the longest bar of one run, and of several."""

_COLUMN = 60
"""Least width of a column of a table."""

_ABOVE = 20
"""Points between a table and its title, which stands above the names of its columns."""

_MOST = 12
"""Variables of each of several runs that are drawn; further ones are counted."""

_LETTERS = "ABCD"
"""Name the runs in the columns of a table."""


def _table(values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str]) -> Table:
    texts = [[number(value) for value in row] for row in values]
    return Table(np.array(values), texts, rows, columns)


def _width(table: Table) -> float:
    """Return the width of the inside of a table, in pixels."""
    return len(table.columns) * max(_COLUMN, text_width(*table.columns, "0") + 14)


@styled()
def information(
    variables: Mapping[str, float],
    rates: Mapping[str, float],
    groups: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Return bars of I(x; z_v) within the rates, beside I(factor; z_g) of all groups and factors.

    Units: nats.
    """
    names = sorted(variables, key=lambda name: -variables[name])
    # Groups of one variable keep the variables' order, so that a row can be read across.
    groups = {name: groups[name] for name in (names if set(names) == set(groups) else groups)}
    factors = list(next(iter(groups.values())))
    values = [[of_group[factor] for factor in factors] for of_group in groups.values()]
    single = len(factors) == 1
    table = _table(values, list(groups), factors) if factors else None
    rows = max(len(names), len(groups))
    beside = [_BAR / 2 if single else _width(table)] if table else []
    figure, grid = new_figure([rows * _ROW], [_BAR, *beside])
    bars, *others = (figure.add_subplot(grid[column]) for column in range(1 + len(beside)))
    every = range(len(names))
    draw_bars(bars, every, [variables[n] for n in names], behind=[rates[n] for n in names])
    bars.set_yticks(every, names)
    bars.set(ylim=(len(names) - 0.5, -0.5), title="I(x; z), nats")
    for right in others:
        if single or table is None:
            draw_bars(right, range(len(groups)), [value for (value,) in values])
            right.set_yticks(range(len(groups)), list(groups))
        else:
            _draw_table(right, table, float(table.values_IJ.max()))
        right.set_ylim(len(groups) - 0.5, -0.5)
        right.set_title(_title(factors), pad=None if single else _ABOVE)
    rate = "rate, E KL(q(z|x) \N{DOUBLE VERTICAL LINE} p(z))"
    _draw_legend(figure, {"I(x; z)": ACCENT, rate: PALE})
    return _in_rows(fit(figure, grid))


@styled()
def information_of_runs(chosen: Sequence[RepresentativeRun]) -> Figure | None:
    """Return bars of I(x; z_v) for each run, and tables of I(factor; z_g), in nats.

    Where there is one factor, one table has a column per run; otherwise each run has a table of its
    groups and the factors. None where no run has any information.
    """
    chosen = [each for each in chosen if each.information]
    if not chosen:
        return None
    factors = list(dict.fromkeys(f for c in chosen for part in c.factors.values() for f in part))
    single = len(factors) == 1
    titles = [each.name for each in chosen]
    if single and len(chosen) > 1:
        titles = [f"{_LETTERS[i]}  {name}" for i, name in enumerate(titles)]
    tables = [_of_runs(chosen, factors[0])] if single else [_of_groups(c, factors) for c in chosen]
    return _draw_runs(chosen, titles, [table for table in tables if table.rows], _title(factors))


def _title(factors: Sequence[str]) -> str:
    return f"I({factors[0] if len(factors) == 1 else 'factor'}; z), nats"


def _of_runs(chosen: Sequence[RepresentativeRun], factor: str) -> Table:
    """Return the information of the groups of each run about the only factor."""
    groups = list(dict.fromkeys(group for each in chosen for group in each.factors))
    values = [[c.factors.get(group, {}).get(factor, np.nan) for c in chosen] for group in groups]
    columns = _LETTERS[: len(chosen)] if len(chosen) > 1 else [factor]
    return _table(values, groups, columns)


def _of_groups(each: RepresentativeRun, factors: Sequence[str]) -> Table:
    """Return the information of the groups of a run about each factor."""
    values = [[part.get(factor, np.nan) for factor in factors] for part in each.factors.values()]
    return _table(values, list(each.factors), factors)


def _draw_runs(
    chosen: Sequence[RepresentativeRun],
    titles: Sequence[str],
    tables: Sequence[Table],
    about: str,
) -> Figure:
    """Return the bars, two in a row beside the only table, or one in a row beside its own."""
    across = min(len(chosen), 2 if len(tables) < 2 else 1)
    per_row = [chosen[i : i + across] for i in range(0, len(chosen), across)]
    counts = [max(len(_shown(each)) for each in part) for part in per_row]
    for i, table in enumerate(tables):
        counts[i] = max(counts[i], len(table.rows))
    widths = [_SHORT_BAR] * across + ([max(map(_width, tables))] if tables else [])
    figure, grid = new_figure([count * _ROW for count in counts], widths)
    longest = max(value for each in chosen for value in each.information.values()) or 1
    for i, (each, title) in enumerate(zip(chosen, titles, strict=True)):
        axes = figure.add_subplot(grid[i // across, i % across])
        axes.set_title(wrap(title, _SHORT_BAR + 60))
        _draw_variables(axes, each, longest)
    darkest = max([0.0, *(float(np.nanmax(table.values_IJ)) for table in tables)])
    for i, table in enumerate(tables):
        axes = figure.add_subplot(grid[i, across])
        _draw_table(axes, table, darkest)
        axes.set_title(about, pad=_ABOVE)
    if any(each.discrete for each in chosen):
        _draw_legend(figure, {"continuous": ACCENT, "discrete": DISCRETE})
    return _in_rows(fit(figure, grid))


def _shown(each: RepresentativeRun) -> list[str]:
    return list(each.information)[:_MOST]


def _draw_variables(axes: Axes, each: RepresentativeRun, longest: float) -> None:
    """Draw the bars of a run, on the scale of all runs."""
    names = _shown(each)
    colours = [DISCRETE if name in each.discrete else ACCENT for name in names]
    values = [each.information[name] for name in names]
    for bar, colour in zip(draw_bars(axes, range(len(names)), values), colours, strict=True):
        bar.set_color(colour)
    axes.set(xlim=(0, longest), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(range(len(names)), names)
    further = list(each.information.values())[_MOST:]
    more = f"\nand {len(further)} more, {number(further[0])} at most" if further else ""
    axes.set_xlabel(f"I(x; z), nats{more}", loc="left")


def _draw_table(axes: Axes, table: Table, darkest: float) -> None:
    axes.xaxis.tick_top()
    draw_table(axes, table, 0, darkest or 1)


def _in_rows(figure: Figure) -> Figure:
    """Make all rows of bars and tables equally high."""
    for axes in figure.axes:
        shorten(axes, _ROW * round(abs(np.diff(axes.get_ylim())[0])))
    return figure


def _draw_legend(figure: Figure, colours: Mapping[str, str]) -> None:
    handles = [Patch(color=colour) for colour in colours.values()]
    figure.legend(handles, list(colours), loc="outside lower left", ncols=2, handlelength=1.2)
