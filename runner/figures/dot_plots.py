"""Figures of cells that no number sets in order: a panel each, a row for every cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.comparison.configurations import Comparison
from runner.comparison.grouping import by_dataset
from runner.comparison.statistics import spread
from runner.figures import chart
from runner.figures.series import Series, among, lines
from runner.figures.style import LINE, page, text_width, write_ticks
from runner.metric.quantities import quantity

_WIDTH = 240
_ROW = 24
_PITCH = _WIDTH + 30
"""From one panel to the next."""

_BOTTOM = 44
"""Room below a panel for its scale."""

_WIDEST = 1000
"""Up to where panels stand beside each other."""

_GUIDE = "#ececec"


def dot_plots(comparison: Comparison, metrics: Sequence[str]) -> Figure | None:
    """Return a panel per figure and dataset: mean and deviation over seeds of every cell.

    None where there is one cell alone, or no run has a figure.
    """
    series = lines(comparison, None)
    found = {
        dataset: (
            among(series, configurations),
            [m for m in metrics if chart.configurations_with(configurations, m)],
        )
        for dataset, configurations in by_dataset(comparison).items()
    }
    counts = [len(shown) for _, shown in found.values()]
    if len(series) < 2 or not any(counts):
        return None
    left = text_width(*(each.name for each in series)) + 20
    across = min(max(counts), max(1, int((_WIDEST - left) // _PITCH)))
    head = LINE + 6 if len(found) > 1 else 0
    heights = [
        head + math.ceil(len(shown) / across) * _height(part) for part, shown in found.values()
    ]
    figure = page(left + across * _PITCH, sum(heights))
    top = 0
    for (dataset, (part, shown)), height in zip(found.items(), heights, strict=True):
        if head:
            chart.write(figure, left, top + 4, dataset, weight="bold")
        for i, metric in enumerate(shown):
            x = left + i % across * _PITCH
            y = top + head + i // across * _height(part) + chart.TITLE
            box = (x, y, _WIDTH, _ROW * len(part))
            axes = chart.panel(figure, box, quantity(metric).short_with_unit)
            _draw(axes, metric, part)
            names = [each.name for each in part] if i % across == 0 else []
            write_ticks(axes, "left", range(len(names)), names)
        top += height
    return figure


def _height(series: Sequence[Series]) -> float:
    """Return the height of a panel with its title and its scale."""
    return chart.TITLE + len(series) * _ROW + _BOTTOM


def _draw(axes: Axes, metric: str, series: Sequence[Series]) -> None:
    """Draw a row for each cell that has the figure."""
    axes.set_xlim(*chart.limits([each.configurations[0] for each in series], metric))
    axes.set_ylim(len(series) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    for y, each in enumerate(series):
        axes.axhline(y, color=_GUIDE, linewidth=0.8, zorder=1)
        configuration, colour = each.configurations[0], each.style.colour
        found = spread(configuration, metric)
        if found is None:
            continue
        if found.deviation is not None:
            ends = [found.mean - found.deviation, found.mean + found.deviation]
            seeds = configuration.values(metric)
            axes.plot(seeds, [y] * found.count, "o", ms=3.5, mew=0, alpha=0.5, color=colour)
            axes.plot(ends, [y, y], linewidth=1.2, color=colour)
        marker = each.style.marker
        axes.plot(found.mean, y, marker=marker, ms=7, mec="white", mew=0.6, color=colour)
