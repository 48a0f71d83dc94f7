"""Rate against distortion: what each cell pays for its latents, and what it gets for it.

Shapes: R runs, C cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import by_dataset, main_hyperparameter, setting_words
from runner.figures import chart
from runner.figures.series import Series, among, lines
from runner.figures.style import DPI, LINE, QUIET, TEXT, page, text_width

_Box = tuple[float, float, float, float]
"""Left, bottom, right and top in pixels from the bottom left corner of the page."""

RATE, DISTORTION = "rate", "terms/reconstruction"

_SIZE = (420, 360)
_SIZE_ALONE = (560, 440)
_LEFT, _RIGHT, _BOTTOM = 84, 66, 50
"""Room beside and below a panel for its scales, and on the right for the values of diagonals."""

_PER_ROW = 2
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


def rate_distortion(comparison: Comparison) -> Figure | None:
    """Return rate against reconstruction, a mark per cell and a dot per run, in nats.

    Each dataset has a panel of its own. None where no run has both figures.
    """
    found = by_dataset(comparison).items()
    panels = {
        name: chart.configurations_with(configurations, RATE, DISTORTION)
        for name, configurations in found
    }
    panels = {name: configurations for name, configurations in panels.items() if configurations}
    if not panels:
        return None
    hyperparameter = main_hyperparameter(comparison)
    series = among(
        lines(comparison, hyperparameter),
        [configuration for configurations in panels.values() for configuration in configurations],
    )
    handles, names = chart.key({each.name: each.style for each in series})
    handles.append(Line2D([], [], color=_DIAGONAL, linewidth=1.2))
    names.append("equal ELBO, nats")
    size = _SIZE if len(panels) > 1 else _SIZE_ALONE
    pitch_x, head = _LEFT + size[0] + _RIGHT, chart.TITLE + LINE
    pitch_y = head + size[1] + _BOTTOM
    right = min(_PER_ROW, len(panels)) * pitch_x + 8
    key_width, key_height = chart.key_size(names)
    height = max(-(-len(panels) // _PER_ROW) * pitch_y, head + key_height)
    figure = page(right + key_width, height)
    for i, (name, configurations) in enumerate(panels.items()):
        left, top = i % _PER_ROW * pitch_x + _LEFT, i // _PER_ROW * pitch_y + head
        axes = chart.panel(figure, (left, top, size[0], size[1]))
        _draw(axes, among(series, configurations), comparison.by, hyperparameter)
        if len(panels) > 1:
            chart.write(figure, left, top - head + 6, name, weight="bold")
    chart.write_key(figure, right, head, handles, names)
    return figure


def _points(configuration: Configuration) -> NDArray[np.float64]:
    """Return (rate, distortion) of the runs that have both, (R, 2)."""
    both = [
        run.metrics
        for run in configuration.runs
        if RATE in run.metrics and DISTORTION in run.metrics
    ]
    return np.array([(metrics[RATE], metrics[DISTORTION]) for metrics in both])


def _draw(
    axes: Axes, series: Sequence[Series], by: Sequence[str], hyperparameter: str | None
) -> None:
    """Draw the lines of one dataset."""
    runs_R2 = np.concatenate(
        [_points(configuration) for each in series for configuration in each.configurations]
    )
    _set_limits(axes, runs_R2)
    _draw_diagonals(axes)
    sizes = _sizes(axes, series)
    for each in series:
        _draw_series(axes, each, hyperparameter, sizes)
    axes.set_xlabel("rate, nats", labelpad=4, **TEXT)
    axes.set_ylabel("reconstruction, nats", **TEXT)
    axes.yaxis.set_label_coords((18 - _LEFT) / axes.get_window_extent().width, 0.5)
    if hyperparameter is not None:
        _write_labels(axes, list(_labels(series, by, hyperparameter)), series, hyperparameter)


def _sizes(axes: Axes, series: Sequence[Series]) -> dict[int, float]:
    """Return the size of each cell's mark by the cell's id: one that others hide is larger."""
    configurations = [configuration for each in series for configuration in each.configurations]
    places_C2 = axes.transData.transform(
        [_points(configuration).mean(axis=0) for configuration in configurations]
    )
    hiding = [
        int((np.abs(places_C2[i + 1 :] - place_2) < _SAME).all(axis=1).sum())
        for i, place_2 in enumerate(places_C2)
    ]
    return {
        id(configuration): 8 + 4 * min(count, 2)
        for configuration, count in zip(configurations, hiding, strict=True)
    }


def _draw_series(
    axes: Axes, series: Series, hyperparameter: str | None, sizes: Mapping[int, float]
) -> None:
    """Draw dots of runs, marks of cells, and the way from one value of the knob to the next."""
    colour = series.style.colour
    for configuration in series.configurations:
        axes.scatter(
            *_points(configuration).T, s=16, color=colour, alpha=0.45, linewidths=0, zorder=3
        )
    middles = {
        id(configuration): _points(configuration).mean(axis=0)
        for configuration in series.configurations
    }
    ordered = [middles[id(configuration)] for configuration in series.on_scale(hyperparameter)]
    if ordered:
        axes.plot(*np.transpose(ordered), color=colour, linewidth=1.2, zorder=2)
    for key, (x, y) in middles.items():
        axes.plot(
            x,
            y,
            color=colour,
            marker=series.style.marker,
            markersize=sizes[key],
            linewidth=0,
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=4,
        )


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
    quiet: Mapping[str, Any] = {**TEXT, "color": QUIET}
    for total in map(float, sums):
        if not x0 + y0 < total < x1 + y1:
            continue
        axes.plot((x0, x1), (total - x0, total - x1), color=_DIAGONAL, linewidth=0.8, zorder=1)
        words = f"{-total:z.6g}".replace("-", "\N{MINUS SIGN}")
        if y0 < total - x1 < y1:
            place: Mapping[str, Any] = {"xy": (x1, total - x1), "xytext": (4, 0), "va": "center"}
        elif x0 < total - y1 < x1:
            place = {"xy": (total - y1, y1), "xytext": (0, 4), "ha": "center"}
        else:
            continue  # it ends at the scales
        axes.annotate(words, textcoords="offset points", **place, **quiet)


def _labels(
    series: Sequence[Series], by: Sequence[str], hyperparameter: str
) -> Iterator[tuple[float, float, str]]:
    """Yield (rate, distortion, words) of the marks: the ends of lines, then the others if few."""
    inner: list[tuple[float, float, str]] = []
    for each in series:
        configurations = each.on_scale(hyperparameter)
        for i, configuration in enumerate(configurations):
            x, y = _points(configuration).mean(axis=0).tolist()
            label = (
                x,
                y,
                setting_words(by, hyperparameter, configuration.settings[hyperparameter]),
            )
            if 0 < i < len(configurations) - 1:
                inner.append(label)
            else:
                yield label
    if sum(len(each.on_scale(hyperparameter)) for each in series) <= _MOST_LABELS:
        yield from inner


def _write_labels(
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    series: Sequence[Series],
    hyperparameter: str,
) -> None:
    """Write labels beside their marks as far as there is room, and off the lines if possible."""
    marks = [axes.transData.transform((x, y)) for x, y, _ in labels]
    taken: list[_Box] = [(x - 7, y - 7, x + 7, y + 7) for x, y in marks]
    crossed = [(x - 1, y - 1, x + 1, y + 1) for x, y in _along_lines(axes, series, hyperparameter)]
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for mark, (x, y, words) in zip(marks, labels, strict=True):
        found = _free(axes, mark, text_width(words), [*taken, *crossed])
        found = found or _free(axes, mark, text_width(words), taken)
        if found is None:
            continue
        taken.append(found)
        middle = ((found[0] + found[2]) / 2, (found[1] + found[3]) / 2)
        axes.annotate(
            words,
            (x, y),
            tuple(72 / DPI * (m - at) for m, at in zip(middle, mark, strict=True)),
            textcoords="offset points",
            ha="center",
            va="center",
            path_effects=halo,
            zorder=5,
            **TEXT,
        )


def _along_lines(
    axes: Axes, series: Sequence[Series], hyperparameter: str
) -> Iterator[NDArray[np.float64]]:
    """Yield places on the lines, a few pixels apart."""
    for each in series:
        means = [
            _points(configuration).mean(axis=0) for configuration in each.on_scale(hyperparameter)
        ]
        for start, end in pairwise(axes.transData.transform(means) if means else []):
            steps = max(2, round(float(np.abs(end - start).max()) / 4))
            yield from np.linspace(start, end, steps)


def _free(
    axes: Axes, mark: NDArray[np.float64], width: float, taken: Sequence[_Box]
) -> _Box | None:
    """Return where words of that width may stand beside a mark, or None where there is no room."""
    bounds, height = axes.get_window_extent(), LINE - 4
    for right, up in _SIDES:
        x = mark[0] + right * (_REACH + width / 2)
        y = mark[1] + up * (_REACH + height / 2)
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        inside = bounds.x0 < box[0] and box[2] < bounds.x1 + 8 and bounds.y0 < box[1]
        if inside and not any(_overlap(box, other) for other in taken):
            return box
    return None


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
