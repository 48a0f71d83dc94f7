"""Panels of metrics of a comparison, and what all of them draw: mean, deviation and runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

from runner.comparison.configurations import Configuration
from runner.comparison.statistics import spread
from runner.figures.page import is_narrow, room
from runner.figures.series import Series
from runner.figures.style import new_figure, text_width, wrap
from runner.metric.quantities import quantity

_PANEL_WIDTH = 250
_PER_ROW = 3
_LEAST_WIDTH = 120
_BESIDE = 78
"""Pixels between two panels, for the numbers of a scale."""

Arrows = tuple[str, str]
"""To where values are lower, and to where they are higher."""

UPWARDS: Arrows = ("\N{DOWNWARDS ARROW}", "\N{UPWARDS ARROW}")
RIGHTWARDS: Arrows = ("\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}")

_HEAD = 2
"""Height of a row that has the name of a dataset above it."""


def with_metrics(configurations: Sequence[Configuration], *metrics: str) -> list[Configuration]:
    """Return the configurations of which some run has all these metrics."""
    return [
        c for c in configurations if any(all(m in run.metrics for m in metrics) for run in c.runs)
    ]


def panel_width() -> int:
    """Return the width of a panel in pixels, less where a page holds no more."""
    free = room(_PER_ROW * (_PANEL_WIDTH + _BESIDE)) / _per_row() - _BESIDE
    return int(min(_PANEL_WIDTH, max(_LEAST_WIDTH, free)))


def _per_row() -> int:
    return 2 if is_narrow() else _PER_ROW


def panel_title(metric: str, arrows: Arrows, width: float) -> str:
    """Return the name of a metric with its unit, and where it is better: ``↑ higher is better``.

    In lines of that many pixels.
    """
    known = quantity(metric)
    name, direction = known.short_with_unit, known.better_direction
    if not direction:
        return wrap(name, width)
    direction = f"{arrows[known.better == 'higher']} {direction}"
    together = f"{name}  {direction}"
    return together if text_width(together) <= width else f"{wrap(name, width)}\n{direction}"


def metric_panels(
    metrics: Mapping[str, Sequence[str]], heights: Mapping[str, float], arrows: Arrows
) -> tuple[Figure, GridSpec, dict[tuple[str, str], Axes]]:
    """Return axes for the metrics of each dataset, by dataset and metric.

    Datasets stand below each other, each headed by its name if there are several. ``arrows``
    point to where values are lower and higher.
    """
    columns = min(_per_row(), max(map(len, metrics.values())))
    headed = len(metrics) > 1
    rows: list[tuple[str, Sequence[str]]] = []
    for dataset, names in metrics.items():
        rows += [(dataset, ())] if headed else []
        rows += [(dataset, names[i : i + columns]) for i in range(0, len(names), columns)]
    figure, grid = new_figure(
        [heights[dataset] if part else _HEAD for dataset, part in rows], [panel_width()] * columns
    )
    panels: dict[tuple[str, str], Axes] = {}
    for i, (dataset, part) in enumerate(rows):
        for j, metric in enumerate(part):
            axes = panels[dataset, metric] = figure.add_subplot(grid[i, j])
            axes.set_title(panel_title(metric, arrows, panel_width() + 16))
        if not part:
            head = figure.add_subplot(grid[i, 0])
            head.set_axis_off()
            head.text(0, 0, dataset, weight="bold", transform=head.transAxes)
    return figure, grid, panels


def limits(configurations: Sequence[Configuration], metric: str) -> tuple[float, float]:
    """Return the ends of a scale that shows all runs, means and deviations."""
    ends: list[float] = []
    for configuration in configurations:
        found = spread(configuration, metric)
        if found is not None:
            reach = found.deviation or 0
            ends += [*configuration.values(metric).tolist(), found.mean - reach, found.mean + reach]
    margin = 0.08 * (max(ends) - min(ends)) or 0.05 * abs(ends[0]) or 1
    return min(ends) - margin, max(ends) + margin


def marks(
    series: Series, configuration: Configuration, metric: str
) -> Iterator[tuple[NDArray[np.float64], dict[str, Any]]]:
    """Yield the runs as dots, the deviation as a bar and the mean as a mark.

    Each is numbers on the scale of the metric, and how Matplotlib plots them.
    """
    found = spread(configuration, metric)
    if found is None:
        return
    colour = series.colour
    if found.deviation is not None:
        dots = {"marker": "o", "ms": 3.5, "mew": 0, "alpha": 0.5, "linewidth": 0}
        yield configuration.values(metric), {"color": colour, **dots}
        yield found.mean + found.deviation * np.array([-1, 1]), {"color": colour}
    yield np.array([found.mean]), series.look
