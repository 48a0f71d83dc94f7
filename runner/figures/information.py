"""Information of variables about the image, I(x; z), and of groups about the factors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from runner.comparison.representatives import RepresentativeRun
from runner.figures.bars import COLUMN, draw_bars, mark_line, reach
from runner.figures.numbers import number
from runner.figures.page import is_narrow, room
from runner.figures.style import (
    ACCENT,
    COLOURS,
    fit,
    new_figure,
    shorten,
    styled,
    text_width,
    wrap,
)
from runner.figures.tables import Table, draw_table

DISCRETE = COLOURS[1]
_HATCH = "////"
"""Of discrete variables, which grey does not tell from the others."""

_ROW = 24
"""Height of a row of bars or of a table."""

_BAR, _SHORT_BAR = 250, 170
"""Length of the longest bar of one run, and of several."""

_LEAST_BAR = 60

_COLUMN = 60
"""Least width of a column of a table."""

_NARROW_COLUMN = 36
"""The same on a narrow page."""

_ABOVE = 20
"""Points between a table and its title, which stands above the names of its columns."""

_AROUND = 80
"""Pixels beside a panel for its numbers and the white around it."""

_MOST = 12
"""Variables of each of several runs that are drawn; further ones are counted."""

_LETTERS = "ABCD"
"""Name the runs in the columns of a table."""


@dataclass(frozen=True)
class _Panel:
    """Bars or a table: ``width`` of the inside in pixels, and how it is drawn."""

    width: float
    rows: Sequence[str]
    draw: Callable[[Axes], None]
    numbers: float = 0
    """Pixels of columns of numbers beside it."""

    @property
    def outer_width(self) -> float:
        """The width with names, numbers and white."""
        return self.width + text_width(*self.rows) + _AROUND + self.numbers


@styled()
def information(
    variables: Mapping[str, float],
    rates: Mapping[str, float],
    groups: Mapping[str, Mapping[str, float]],
    discrete: Collection[str] = (),
) -> Figure:
    """Return bars of I(x; z_v) with marks at the rates, beside I(factor; z_g) of each group.

    Bars of both stand on one scale. Units: nats. ``discrete`` names variables with categories;
    without a prior there are no ``rates``.
    """
    names = sorted(variables, key=lambda name: -variables[name])
    # Groups of one variable keep the variables' order, so that a row can be read across.
    groups = {name: groups[name] for name in (names if set(names) == set(groups) else groups)}
    factors = list(next(iter(groups.values())))
    ends = reach([*variables.values(), *rates.values()])
    title = "I(x; z) and rate, nats" if rates else "I(x; z), nats"
    length = min(_BAR, room(_BAR + 1000) - text_width(*names, *groups) - _AROUND - 2 * COLUMN)
    marks = ("I(x; z)", "rate", [rates[name] for name in names]) if rates else None
    draw = partial(_draw_variables, variables={n: variables[n] for n in names}, ends=ends)
    draw = partial(draw, marks=marks, discrete=discrete, title=title)
    panels = [_Panel(length, names, draw, 2 * COLUMN)]
    if len(factors) == 1:
        panels.append(_of_one_factor(groups, factors[0], length / (ends[1] - ends[0])))
    elif factors:
        table = _of_groups(groups, factors)
        draw = partial(_draw_table, table=table, darkest=_darkest([table]), title=_title(factors))
        panels.append(_Panel(_width(table), table.rows, draw))
    shown: dict[str, Artist] = {"I(x; z)": Patch(color=ACCENT)}
    if set(discrete) & set(names):
        shown = _kinds()
    if rates:
        shown["rate, E KL(q(z|x) \N{DOUBLE VERTICAL LINE} p(z))"] = mark_line([], [])
    return _drawn([panels], shown)


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
    tables = [_of_runs(chosen, factors[0])] if single else []
    if not single:
        tables = [_of_groups(each.factors, factors) for each in chosen]
    tables = [table for table in tables if table.rows]
    ends = reach([value for each in chosen for value in each.information.values()])
    bars = [_of_run(each, title, ends) for each, title in zip(chosen, titles, strict=True)]
    draw = partial(_draw_table, darkest=_darkest(tables), title=_title(factors))
    beside = [_Panel(_width(table), table.rows, partial(draw, table=table)) for table in tables]
    across = min(len(bars), 2 if len(tables) < 2 else 1)
    rows = [bars[i : i + across] for i in range(0, len(bars), across)]
    if single and _outer_width([*rows[0], *beside]) > room(float("inf")):
        rows += [beside]  # below all runs, since it is of all of them
    else:
        for row, panel in zip(rows, beside, strict=False):
            row.append(panel)
    return _drawn(rows, _kinds() if any(each.discrete for each in chosen) else {})


def _kinds() -> dict[str, Artist]:
    """Return what the colours of bars say, for the legend."""
    discrete = Patch(facecolor=DISCRETE, edgecolor="white", hatch=_HATCH, linewidth=0)
    return {"I(x; z), continuous": Patch(color=ACCENT), "I(x; z), discrete": discrete}


def _drawn(rows: Sequence[Sequence[_Panel]], legend: Mapping[str, Artist]) -> Figure:
    """Return a figure of panels side by side, or each below the last where the page is narrow."""
    widest = max(map(_outer_width, rows))
    if widest > room(widest):
        rows = [[panel] for row in rows for panel in row]
    columns = range(max(map(len, rows)))
    widths = [max(row[j].width for row in rows if j < len(row)) for j in columns]
    figure, grid = new_figure([_ROW * max(len(p.rows) for p in row) for row in rows], widths)
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            panel.draw(figure.add_subplot(grid[i, j]))
    if legend:
        figure.legend(
            list(legend.values()),
            list(legend),
            loc="outside lower left",
            ncols=1 if room(widest) < widest else len(legend),
            handlelength=1.2,
        )
    return _in_rows(fit(figure, grid))


def _outer_width(row: Sequence[_Panel]) -> float:
    return sum(panel.outer_width for panel in row)


def _title(factors: Sequence[str]) -> str:
    return f"I({factors[0] if len(factors) == 1 else 'factor'}; z), nats"


def _table(values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str]) -> Table:
    texts = [[number(value) for value in row] for row in values]
    return Table(np.array(values), texts, rows, columns)


def _width(table: Table) -> float:
    """Return the width of the inside of a table, in pixels."""
    least = _NARROW_COLUMN if is_narrow() else _COLUMN
    return len(table.columns) * max(least, text_width(*table.columns, "0") + 12)


def _darkest(tables: Sequence[Table]) -> float:
    """Return the end of the scale of tables, which is never so short that zeros look dark."""
    return reach([0.0, *(float(np.nanmax(table.values_IJ)) for table in tables)])[1]


def _of_one_factor(
    groups: Mapping[str, Mapping[str, float]], factor: str, pixels_per_nat: float
) -> _Panel:
    """Return bars of the groups' information about the only factor, on the scale of the others."""
    values = {name: of_group[factor] for name, of_group in groups.items()}
    low, high = reach(list(values.values()))
    length = max(_LEAST_BAR, (high - low) * pixels_per_nat)
    ends = low, low + length / pixels_per_nat
    draw = partial(_draw_variables, variables=values, ends=ends, title=_title([factor]))
    return _Panel(length, list(groups), draw)


def _of_runs(chosen: Sequence[RepresentativeRun], factor: str) -> Table:
    """Return the information of the groups of each run about the only factor."""
    groups = list(dict.fromkeys(group for each in chosen for group in each.factors))
    values = [[c.factors.get(group, {}).get(factor, np.nan) for c in chosen] for group in groups]
    columns = _LETTERS[: len(chosen)] if len(chosen) > 1 else [factor]
    return _table(values, groups, columns)


def _of_groups(groups: Mapping[str, Mapping[str, float]], factors: Sequence[str]) -> Table:
    """Return the information of the groups of a run about each factor."""
    values = [[part.get(factor, np.nan) for factor in factors] for part in groups.values()]
    return _table(values, list(groups), factors)


def _of_run(each: RepresentativeRun, title: str, ends: tuple[float, float]) -> _Panel:
    """Return the bars of one of several runs."""
    names = list(each.information)[:_MOST]
    further = list(each.information.values())[_MOST:]
    more = f"\nand {len(further)} more, {number(further[0])} at most" if further else ""
    draw = partial(
        _draw_variables,
        variables={name: each.information[name] for name in names},
        ends=ends,
        discrete=each.discrete,
        title=wrap(title, _SHORT_BAR + 60),
        below=f"I(x; z), nats{more}",
    )
    return _Panel(_SHORT_BAR, names, draw)


def _draw_variables(  # noqa: PLR0913 - what a panel of bars shows
    axes: Axes,
    *,
    variables: Mapping[str, float],
    ends: tuple[float, float],
    title: str,
    marks: tuple[str, str, Sequence[float]] | None = None,
    discrete: Collection[str] = (),
    below: str = "",
) -> None:
    """Draw a bar for each variable or group, between the given ends of the scale."""
    names = list(variables)
    bars = draw_bars(axes, range(len(names)), list(variables.values()), marks=marks)
    for name, bar in zip(names, bars, strict=True):
        if name in discrete:
            bar.set(facecolor=DISCRETE, edgecolor="white", hatch=_HATCH, linewidth=0)
    axes.set(xlim=ends, ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(range(len(names)), names)
    axes.set_title(title)
    axes.set_xlabel(below, loc="left")


def _draw_table(axes: Axes, *, table: Table, darkest: float, title: str) -> None:
    axes.xaxis.tick_top()
    draw_table(axes, table, 0, darkest)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_title(title, pad=_ABOVE)


def _in_rows(figure: Figure) -> Figure:
    """Make all rows of bars and tables equally high."""
    for axes in figure.axes:
        shorten(axes, _ROW * round(abs(np.diff(axes.get_ylim())[0])))
    return figure
