"""Metrics of configurations that no number sets in order: a panel each, a row per configuration."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.comparison.configurations import Comparison
from runner.comparison.grouping import by_dataset
from runner.figures.metric_panels import RIGHTWARDS, limits, marks, metric_panels, with_metrics
from runner.figures.series import among, lines
from runner.figures.style import fit, styled, wrap

_ROW = 24
_NAME_WIDTH = 500
_GUIDE = "#ececec"


@styled()
def dot_plots(comparison: Comparison, metrics: Sequence[str]) -> Figure | None:
    """Return a panel per metric and dataset: mean and deviation over runs of every configuration.

    None where there is one configuration alone, or no run has a metric.
    """
    every = lines(comparison, None)
    found = by_dataset(comparison)
    series = {dataset: among(every, configurations) for dataset, configurations in found.items()}
    shown = {d: [m for m in metrics if with_metrics(c, m)] for d, c in found.items()}
    if len(every) < 2 or not any(shown.values()):
        return None
    heights = {dataset: _ROW * len(part) for dataset, part in series.items()}
    figure, grid, panels = metric_panels(shown, heights, RIGHTWARDS)
    for (dataset, metric), axes in panels.items():
        part = series[dataset]
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(*limits([each.configurations[0] for each in part], metric))
        axes.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))  # numbers may be long
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_yticks(range(len(part)), [wrap(each.name, _NAME_WIDTH) for each in part])
        place = axes.get_subplotspec()
        axes.tick_params(labelleft=place is not None and place.is_first_col())
        for y, each in enumerate(part):
            axes.axhline(y, color=_GUIDE, linewidth=0.8, zorder=1)
            for numbers, how in marks(each, each.configurations[0], metric):
                axes.plot(numbers, [y] * len(numbers), **how)
    return fit(figure, grid)
