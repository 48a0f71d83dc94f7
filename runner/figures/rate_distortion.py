"""Rate against distortion: a mark for each configuration, a dot for each run.

Shapes: R runs, C configurations, S steps along a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import by_dataset, main_hyperparameter, setting_words
from runner.figures.metric_panels import UPWARDS, with_metrics
from runner.figures.numbers import short_number
from runner.figures.page import DPI, is_narrow, room
from runner.figures.series import Series, among, draw_legend, lines
from runner.figures.style import (
    LINE,
    QUIET,
    fit,
    new_figure,
    styled,
    text_width,
)
from runner.metric.quantities import quantity

RATE, DISTORTION = "rate", "terms/reconstruction"

_SIZE = (420, 360)
_SIZE_ALONE = (560, 440)
_PER_ROW = 2
_BESIDE = 120
"""Pixels beside a panel for its scale, and for the values of diagonals."""

_DIAGONALS = 6
_DIAGONAL = "#d4d4d4"

_MOST_LABELS = 30
"""Marks of which all are labelled; of more only the ends of lines are."""

_SAME = 4
"""Marks nearer to each other hide each other, in pixels."""

_REACH = 12
"""From the middle of a mark to its label, in pixels."""

_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.9), (0.8, -0.9), (-0.8, 0.9), (-0.8, -0.9))
"""Where a label may stand from its mark, to the right and upwards; the best first."""


@styled()
def rate_distortion(comparison: Comparison) -> Figure | None:
    """Return rate against reconstruction, a mark per configuration and a dot per run, in nats.

    Each dataset has a panel of its own. None where no run has both metrics.
    """
    panels = {
        name: found
        for name, configurations in by_dataset(comparison).items()
        if (found := with_metrics(configurations, RATE, DISTORTION))
    }
    if not panels:
        return None
    hyperparameter = main_hyperparameter(comparison)
    series = lines(comparison, hyperparameter)
    across = min(1 if is_narrow() else _PER_ROW, len(panels))
    width, height = _size(len(panels), across)
    figure, grid = new_figure([height] * -(-len(panels) // across), [width] * across)
    drawn = {name: among(series, found) for name, found in panels.items()}
    for i, (name, part) in enumerate(drawn.items()):
        axes = figure.add_subplot(grid[i // across, i % across])
        _draw(axes, part, hyperparameter)
        if len(panels) > 1:
            axes.set_title(name, weight="bold", pad=LINE)  # above the values of diagonals
    diagonal = Line2D([], [], color=_DIAGONAL, linewidth=1.2)
    shown = among(series, [c for found in panels.values() for c in found])
    draw_legend(figure, shown, {"equal ELBO, nats, higher is better": diagonal})
    fit(figure, grid)
    for axes, part in zip(figure.axes, drawn.values(), strict=True):  # now that places are known
        _draw_marks(axes, part)
        if hyperparameter is not None:
            _label_marks(axes, part, comparison.by, hyperparameter)
    return figure


def _size(panels: int, across: int) -> tuple[int, int]:
    """Return width and height of a panel in pixels, smaller where a page holds no more."""
    width, height = _SIZE if panels > 1 else _SIZE_ALONE
    free = room(across * (width + _BESIDE)) / across - _BESIDE
    return round(min(width, free)), round(height * min(width, free) / width)


def _draw(axes: Axes, series: Sequence[Series], hyperparameter: str | None) -> None:
    """Draw the lines of one dataset, without marks and labels."""
    _set_limits(axes, np.concatenate([_points(c) for each in series for c in each.configurations]))
    _draw_diagonals(axes)
    for each in series:
        _draw_line(axes, each, hyperparameter)
    lower, _ = UPWARDS
    title = f"{quantity(DISTORTION).short_with_unit}  {lower} lower is better"
    axes.set(xlabel=quantity(RATE).short_with_unit, ylabel=title)


def _points(configuration: Configuration) -> NDArray[np.float64]:
    """Return (rate, distortion) of the runs that have both, (R, 2)."""
    metrics = [run.metrics for run in configuration.runs]
    return np.array([(m[RATE], m[DISTORTION]) for m in metrics if RATE in m and DISTORTION in m])


def _mean(configuration: Configuration) -> NDArray[np.float64]:
    return _points(configuration).mean(axis=0)


def _set_limits(axes: Axes, runs_R2: NDArray[np.float64]) -> None:
    """Show all runs, with room for labels around them."""
    low_2, high_2 = runs_R2.min(axis=0), runs_R2.max(axis=0)
    margin_2 = 0.08 * (high_2 - low_2)
    margin_2[margin_2 == 0] = 0.5
    (x0, y0), (x1, y1) = (low_2 - margin_2).tolist(), (high_2 + margin_2).tolist()
    axes.set(xlim=(x0, x1), ylim=(y0, y1))


def _draw_diagonals(axes: Axes) -> None:
    """Draw where rate and reconstruction add up to the same, with the ELBO at the end."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    sums = MaxNLocator(nbins=_DIAGONALS).tick_values(x0 + y0, x1 + y1)
    for total in map(float, sums):
        if not x0 + y0 < total < x1 + y1:
            continue
        axes.plot((x0, x1), (total - x0, total - x1), color=_DIAGONAL, linewidth=0.8, zorder=1)
        if y0 < total - x1 < y1:
            end, offset, align = (x1, total - x1), (4, 0), ("left", "center")
        elif x0 < total - y1 < x1:
            end, offset, align = (total - y1, y1), (0, 4), ("center", "bottom")
        else:
            continue  # it ends at the scales
        text = axes.annotate(
            short_number(-total), end, offset, textcoords="offset points", color=QUIET
        )
        text.set(ha=align[0], va=align[1])


def _draw_line(axes: Axes, series: Series, hyperparameter: str | None) -> None:
    """Draw dots of runs, and the way from one value of the hyperparameter to the next."""
    for configuration in series.configurations:
        points = _points(configuration).T
        axes.scatter(*points, s=16, color=series.colour, alpha=0.45, linewidths=0, zorder=3)
    ordered = [_mean(configuration) for configuration in series.on_scale(hyperparameter)]
    if ordered:
        axes.plot(*np.transpose(ordered), color=series.colour, zorder=2)


def _draw_marks(axes: Axes, series: Sequence[Series]) -> None:
    """Draw the mean of each configuration; a mark that others hide is larger."""
    marks = [(each, _mean(c)) for each in series for c in each.configurations]
    pixels_C2 = axes.transData.transform([mean for _, mean in marks])
    for i, (each, mean) in enumerate(marks):
        hiding = (np.abs(pixels_C2[i + 1 :] - pixels_C2[i]) < _SAME).all(axis=1).sum()
        axes.plot(*mean, ms=8 + 4 * min(int(hiding), 2), mew=0.8, zorder=4, **each.look)


def _labels(
    series: Sequence[Series], by: Sequence[str], hyperparameter: str
) -> Iterator[tuple[NDArray[np.float64], str]]:
    """Yield ((rate, distortion), label) of the ends of lines, then of the others if few."""
    inner: list[tuple[NDArray[np.float64], str]] = []
    for each in series:
        configurations = each.on_scale(hyperparameter)
        for i, c in enumerate(configurations):
            label = _mean(c), setting_words(by, hyperparameter, c.settings[hyperparameter])
            if 0 < i < len(configurations) - 1:
                inner.append(label)
            else:
                yield label
    if sum(len(each.on_scale(hyperparameter)) for each in series) <= _MOST_LABELS:
        yield from inner


def _label_marks(
    axes: Axes, series: Sequence[Series], by: Sequence[str], hyperparameter: str
) -> None:
    """Write labels beside their marks as far as there is room, and off the lines if possible.

    Matplotlib has no placement of labels that avoids marks and each other.
    """
    labels = list(_labels(series, by, hyperparameter))
    marks = [axes.transData.transform(mean) for mean, _ in labels]
    taken = [Bbox([mark - 7, mark + 7]) for mark in marks]
    crossed = [Bbox([at - 1, at + 1]) for at in _along_lines(axes, series, hyperparameter)]
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for mark, (mean, label) in zip(marks, labels, strict=True):
        width = text_width(label) + 4
        found = _free(axes, mark, width, [*taken, *crossed]) or _free(axes, mark, width, taken)
        if found is None:
            continue
        taken.append(found)
        middle = np.array([found.x0 + found.x1, found.y0 + found.y1]) / 2
        offset = tuple((middle - mark) * 72 / DPI)
        text = axes.annotate(label, tuple(mean), offset, textcoords="offset points", zorder=5)
        text.set(ha="center", va="center", path_effects=halo)


def _along_lines(
    axes: Axes, series: Sequence[Series], hyperparameter: str
) -> Iterator[NDArray[np.float64]]:
    """Yield places on the lines, a few pixels apart."""
    for each in series:
        means = [_mean(configuration) for configuration in each.on_scale(hyperparameter)]
        for start, end in pairwise(axes.transData.transform(means) if means else []):
            steps = max(2, round(float(np.abs(end - start).max()) / 4))
            yield from np.linspace(start, end, steps)


def _free(
    axes: Axes, mark: NDArray[np.float64], width: float, taken: Sequence[Bbox]
) -> Bbox | None:
    """Return where text of that width may stand beside a mark, or None where there is no room."""
    bounds, height = axes.get_window_extent(), LINE - 4
    for side in _SIDES:
        x, y = mark + np.array(side) * (_REACH + np.array([width, height]) / 2)
        box = Bbox.from_bounds(x - width / 2, y - height / 2, width, height)
        inside = bounds.x0 < box.x0 and box.x1 < bounds.x1 + 8 and bounds.y0 < box.y0
        if inside and not box.count_overlaps(taken):
            return box
    return None
