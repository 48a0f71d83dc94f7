"""Bars with their values written at their ends: a bar is as long as its number says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.lines import Line2D

from runner.figures.numbers import number
from runner.figures.style import ACCENT, INK, QUIET

LEAST_REACH = 0.1
"""Of a scale of bars: where all values are written as zero, no bar looks as if there was one."""


def draw_bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float],
    *,
    thickness: float = 0.6,
    marks: Sequence[float] | None = None,
) -> BarContainer:
    """Draw horizontal bars from a line at zero, each value written at its end.

    Args:
        axes: where to draw; they have no scale and no ticks.
        places: of the bars on the y axis.
        values: of the bars; that of a negative one points to the left.
        thickness: of the bars, in the units of the y axis.
        marks: another quantity on the same scale, an upright line across each bar; the values are
            then written clear of both.
    """
    bars = axes.barh(places, values, thickness, color=ACCENT)
    ends = np.maximum(values, 0)
    if marks is not None:
        ends = np.maximum(ends, marks)
        axes.add_line(mark_line(marks, places))
    for end, place, value in zip(ends.tolist(), places, values, strict=True):
        text = axes.annotate(number(value), (end, place), (4, 0), textcoords="offset points")
        text.set_verticalalignment("center_baseline")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.tick_params(length=0)
    axes.set(xlim=reach([*values, *(marks if marks is not None else ())]), xticks=[], yticks=[])
    return bars


def reach(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the scale of bars with these values."""
    return min(0.0, *values), max(LEAST_REACH, *values)


def mark_line(x: Sequence[float], y: Sequence[float]) -> Line2D:
    """Return upright lines at these places, which cross the bars of another quantity."""
    line = Line2D(list(x), list(y), linewidth=0, marker="|", clip_on=False)
    line.set(markersize=9, markeredgewidth=1.8, markeredgecolor=INK)
    return line
