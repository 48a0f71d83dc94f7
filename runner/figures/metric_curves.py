"""Metrics against the hyperparameter that varies: a panel each, a line for all else."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from runner.comparison.configurations import Comparison
from runner.comparison.grouping import by_dataset, hyperparameter_title, main_hyperparameter
from runner.figures.metric_panels import (
    UPWARDS,
    limits,
    marks,
    metric_panels,
    panel_width,
    with_metrics,
)
from runner.figures.numbers import short_number
from runner.figures.page import DPI
from runner.figures.series import Series, among, draw_legend, lines
from runner.figures.style import fit, styled, text_width

_HEIGHT = 170
_STEP = 4
"""Pixels between the marks of two lines at the same value, so that neither hides the other."""

_WIDEST = 24
"""Pixels over which the marks of all lines at one value may spread."""


@styled()
def metric_curves(comparison: Comparison, metrics: Sequence[str]) -> Figure | None:
    """Return a panel per metric and dataset: mean and deviation against the hyperparameter.

    None where no hyperparameter varies, or no run has a metric.
    """
    hyperparameter = main_hyperparameter(comparison)
    if hyperparameter is None:
        return None
    every = lines(comparison, hyperparameter)
    found = {
        dataset: {m: part for m in metrics if (part := among(every, with_metrics(c, m)))}
        for dataset, c in by_dataset(comparison).items()
    }
    found = {dataset: parts for dataset, parts in found.items() if parts}
    if not found:
        return None
    used = {each.name for parts in found.values() for part in parts.values() for each in part}
    drawn = [each for each in every if each.name in used]
    shown = {dataset: list(parts) for dataset, parts in found.items()}
    figure, grid, panels = metric_panels(shown, dict.fromkeys(found, _HEIGHT), UPWARDS)
    for (dataset, metric), axes in panels.items():
        axes.set_xlabel(hyperparameter_title(comparison.by, hyperparameter))
        _draw(axes, metric, found[dataset][metric], hyperparameter, [each.name for each in drawn])
    draw_legend(figure, drawn)
    return fit(figure, grid)


def _draw(
    axes: Axes, metric: str, series: Sequence[Series], hyperparameter: str, names: Sequence[str]
) -> None:
    """Draw the lines of one panel; what has no value of the hyperparameter stands before them."""
    configurations = [c for each in series for c in each.configurations]
    values = [c.settings[hyperparameter] for each in series for c in each.on_scale(hyperparameter)]
    nowhere = _set_scale(axes, values or [1.0], without=len(values) < len(configurations))
    axes.set_ylim(*limits(configurations, metric))
    step = min(_STEP, _WIDEST / len(names))
    assert axes.figure is not None
    for each in series:
        pixels = step * (names.index(each.name) - (len(names) - 1) / 2)
        aside = ScaledTranslation(pixels / DPI, 0, axes.figure.dpi_scale_trans)
        transform = axes.transData + aside
        on_scale = each.on_scale(hyperparameter)
        x = [float(c.settings[hyperparameter]) for c in on_scale]
        means = [c.values(metric).mean() for c in on_scale]
        axes.plot(x, means, color=each.colour, linewidth=1.5, transform=transform)
        without = [c for c in each.configurations if not any(c is other for other in on_scale)]
        for configuration, at in [*((c, nowhere) for c in without), *zip(on_scale, x, strict=True)]:
            for numbers, how in marks(each, configuration, metric):
                axes.plot([at] * len(numbers), numbers, transform=transform, **how)


def _set_scale(axes: Axes, values: Sequence[float], *, without: bool) -> float:
    """Give the x axis equal steps for equal ratios, with ticks at the values themselves.

    Around zero, where ratios end, the scale is linear up to the smallest value. Returns the place
    before all values for what has none, with a tick of its own if there is such a thing.
    """
    ticks = sorted(set(values))
    sizes = sorted({abs(value) for value in ticks if value})
    if ticks[0] > 0:
        axes.set_xscale("log", base=2)
    elif sizes:
        axes.set_xscale("symlog", base=2, linthresh=sizes[0], linscale=1)
    axes.xaxis.set_minor_locator(NullLocator())
    scale = axes.xaxis.get_transform()
    ends = scale.transform(np.array(ticks))
    reach = float(ends[-1] - ends[0]) or 1
    nowhere = float(ends[0]) - max(reach / len(ticks), 0.2 * reach)
    low, high = (nowhere if without else ends[0]) - 0.08 * reach, ends[-1] + 0.08 * reach
    place, *bounds = scale.inverted().transform(np.array([nowhere, low, high])).tolist()
    axes.set_xlim(*bounds)
    texts = [short_number(value) for value in ticks]
    if without:
        ticks, texts, ends = [place, *ticks], ["none", *texts], np.array([nowhere, *ends])
    pixels = (panel_width() * (ends - low) / (high - low)).tolist()
    axes.set_xticks(ticks, _without_overlap(texts, pixels))
    return place


def _without_overlap(texts: Sequence[str], pixels: Sequence[float]) -> list[str]:
    """Return the texts, empty where one would reach into the next; the last one stays.

    Matplotlib draws labels over each other.
    """
    kept: list[str] = []
    free = math.inf
    for text, pixel in reversed(list(zip(texts, pixels, strict=True))):
        half = text_width(text) / 2 + 3
        fits = pixel + half <= free
        kept.append(text if fits else "")
        free = pixel - half if fits else free
    return kept[::-1]
