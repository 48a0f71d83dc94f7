"""The figure of ``growth.py``: a column for each series, time above memory, on logarithmic axes."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from growth import milliseconds, peak
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from runner.figures.style import COLOURS, fit, new_figure, styled

LOOKS = {
    "vaerun": {"color": COLOURS[0], "marker": "o"},
    "packed": {"color": COLOURS[0], "marker": "D"},
    "plain": {"color": COLOURS[1], "marker": "s"},
}
SIZE = 150
"""Of a panel, in pixels."""

Points = list[dict[str, Any]]


@styled()
def draw(series: dict[str, Points], path: Path) -> None:
    """Draw the series into a PNG file."""
    columns = len(series)
    figure, grid = new_figure([SIZE] * 2, [SIZE] * columns)
    for column, (name, points) in enumerate(series.items()):
        for row, figures in enumerate((milliseconds, peak)):
            axes = figure.add_subplot(grid[row, column])
            _draw_lines(axes, points, figures)
            if column == 0:
                axes.set_ylabel(("ms a step", "MiB at the peak")[row])
            if row == 1:
                axes.set_xlabel(name)
            else:
                axes.tick_params(labelbottom=False)
    known = {point["who"] for points in series.values() for point in points}
    handles = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    if len(known) > 1:
        figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=3)
    fit(figure, grid).savefig(path)


def _draw_lines(axes: Axes, points: Points, figures: Any) -> None:
    for who in dict.fromkeys(point["who"] for point in points):
        mine = [point for point in points if point["who"] == who]
        values = [figures(point) for point in mine]
        y = [statistics.median(v) if isinstance(v, list) else v for v in values]
        axes.plot([point["value"] for point in mine], y, label=who, **LOOKS[who])
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.5 * high), max(high, 2 * low))  # a flat line looks flat
    values = sorted({point["value"] for point in points})
    axes.xaxis.set_major_locator(FixedLocator(values))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.0f}{unit}"
    return f"{value:g}"
