"""Figures against the setting that varies: a panel each, a line for all that differs otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import by_dataset, hyperparameter_title, main_hyperparameter
from runner.comparison.statistics import spread
from runner.figures import chart
from runner.figures.series import Series, among, lines
from runner.figures.style import LINE, TEXT, page
from runner.metric.quantities import quantity

_WIDTH, _HEIGHT = 240, 170
_LEFT, _RIGHT, _BOTTOM = 70, 8, 48
"""Room beside and below a panel for its scales."""

_PER_ROW = 3
_STEP = 4
"""Pixels between the marks of two lines at the same value, so that neither hides the other."""

_WIDEST = 24
"""Pixels over which the marks of all lines at one value may spread."""


def metric_curves(comparison: Comparison, metrics: Sequence[str]) -> Figure | None:
    """Return a panel per figure and dataset: mean and deviation over seeds against the main knob.

    None where there is no such knob, or no run has a figure.
    """
    hyperparameter = main_hyperparameter(comparison)
    if hyperparameter is None:
        return None
    series = lines(comparison, hyperparameter)
    panels = [
        (dataset, metric, among(series, chart.configurations_with(configurations, metric)))
        for dataset, configurations in by_dataset(comparison).items()
        for metric in metrics
    ]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return None
    used = {each.name for *_, drawn in panels for each in drawn}
    styles = {each.name: each.style for each in series if each.name in used}
    return _page(comparison, panels, styles, hyperparameter)


def _page(
    comparison: Comparison,
    panels: Sequence[tuple[str, str, list[Series]]],
    styles: Mapping[str, chart.Style],
    hyperparameter: str,
) -> Figure:
    """Return the panels, datasets below each other, and the legend on the right."""
    datasets = list(dict.fromkeys(dataset for dataset, *_ in panels))
    blocks = [[panel for panel in panels if panel[0] == dataset] for dataset in datasets]
    columns = min(_PER_ROW, max(map(len, blocks)))
    pitch_x, pitch_y = _LEFT + _WIDTH + _RIGHT, chart.TITLE + _HEIGHT + _BOTTOM
    heads = LINE + 6 if len(datasets) > 1 else 0
    heights = [heads + -(-len(block) // columns) * pitch_y for block in blocks]
    key_width, key_height = chart.key_size(list(styles))
    right = columns * pitch_x + chart.GAP
    figure = page(right + key_width, max(sum(heights), key_height + chart.TITLE))
    top = 0
    for block, height in zip(blocks, heights, strict=True):
        if heads:
            chart.write(figure, _LEFT, top + 4, block[0][0], weight="bold")
        for i, (_, metric, series) in enumerate(block):
            left = i % columns * pitch_x + _LEFT
            y = top + heads + i // columns * pitch_y + chart.TITLE
            axes = chart.panel(figure, (left, y, _WIDTH, _HEIGHT), quantity(metric).short_with_unit)
            _draw(axes, metric, series, hyperparameter, list(styles))
            axes.set_xlabel(hyperparameter_title(comparison.by, hyperparameter), labelpad=1, **TEXT)
        top += height
    chart.write_key(figure, right, heads + chart.TITLE, *chart.key(styles))
    return figure


def _draw(
    axes: Axes, metric: str, series: Sequence[Series], hyperparameter: str, names: Sequence[str]
) -> None:
    """Draw the lines of one panel; cells without a value of the knob stand before all others."""
    configurations = [configuration for each in series for configuration in each.configurations]
    values = [
        configuration.settings[hyperparameter]
        for each in series
        for configuration in each.on_scale(hyperparameter)
    ]
    without = len(values) < len(configurations)
    nowhere = chart.set_hyperparameter_scale(axes, values or [1.0], _WIDTH, without=without)
    axes.set_ylim(*chart.limits(configurations, metric))
    step = min(_STEP, _WIDEST / len(names))
    for each in series:
        shift = step * (names.index(each.name) - (len(names) - 1) / 2)
        on_scale = each.on_scale(hyperparameter)
        points = [
            (float(configuration.settings[hyperparameter]), configuration)
            for configuration in on_scale
        ]
        _draw_line(axes, each.style, metric, points, shift)
        for configuration in each.configurations[
            : len(each.configurations) - len(on_scale)
        ]:  # those without come first
            _draw_line(axes, each.style, metric, [(nowhere, configuration)], shift)


def _draw_line(
    axes: Axes,
    style: chart.Style,
    metric: str,
    points: Sequence[tuple[float, Configuration]],
    shift: float,
) -> None:
    """Draw the means of cells as a line with marks, deviations as bars, and seeds as dots."""
    how: dict[str, Any] = {"color": style.colour, "transform": chart.shifted(axes, shift)}
    means: list[float] = []
    for x, configuration in points:
        found = spread(configuration, metric)
        if found is None:
            continue
        means.append(found.mean)
        if found.deviation is not None:
            ends = [found.mean - found.deviation, found.mean + found.deviation]
            axes.plot(
                [x] * found.count,
                configuration.values(metric),
                "o",
                ms=3.5,
                mew=0,
                alpha=0.5,
                **how,
            )
            axes.plot([x, x], ends, linewidth=1.2, **how)
    axes.plot(
        [x for x, _ in points],
        means,
        marker=style.marker,
        markersize=7,
        linewidth=1.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        **how,
    )
