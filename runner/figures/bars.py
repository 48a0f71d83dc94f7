"""Bars with their values written at their ends: a bar is as long as its number says."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.lines import Line2D

from runner.figures.numbers import number
from runner.figures.page import DPI
from runner.figures.style import ACCENT, INK, QUIET

COLUMN = 60
"""Width of a column of numbers beside bars, in pixels."""

LEAST_REACH = 0.1
"""Of a scale of bars: where all values are written as zero, no bar looks as if there was one."""


def draw_bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float],
    *,
    thickness: float = 0.6,
    marks: tuple[str, str, Sequence[float]] | None = None,
) -> BarContainer:
    """Draw horizontal bars from a line at zero, each value written at its end.

    Args:
        axes: where to draw; they have no scale and no ticks.
        places: of the bars on the y axis.
        values: of the bars; that of a negative one points to the left.
        thickness: of the bars, in the units of the y axis.
        marks: the short name of the values, that of another quantity on the same scale, and its
            values, an upright line across each bar; both are then written in columns beside the
            bars, where no number can be taken for the other.
    """
    bars = axes.barh(places, values, thickness, color=ACCENT)
    if marks is None:
        for place, value in zip(places, values, strict=True):
            end = max(value, 0.0)
            text = axes.annotate(number(value), (end, place), (4, 0), textcoords="offset points")
            text.set_verticalalignment("center_baseline")
        others: Sequence[float] = ()
    else:
        name, other_name, others = marks
        axes.add_line(mark_line(others, places))
        _write_column(axes, 0, name, places, values)
        _write_column(axes, 1, other_name, places, others)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.tick_params(length=0)
    axes.set(xlim=reach([*values, *others]), xticks=[], yticks=[])
    return bars


def _write_column(
    axes: Axes, column: int, name: str, places: Sequence[float], values: Sequence[float]
) -> None:
    """Write values in a column on the right of the axes, headed by their name."""
    right = COLUMN * (column + 1) * 72 / DPI
    for place, value in zip(places, values, strict=True):
        text = axes.annotate(
            number(value),
            (1, place),
            (right, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
        )
        text.set(ha="right", va="center_baseline")
    head = axes.annotate(
        name, (1, 1), (right, 6), xycoords="axes fraction", textcoords="offset points"
    )
    head.set(ha="right", va="baseline")


def reach(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the scale of bars with these values."""
    return min(0.0, *values), max(LEAST_REACH, *values)


def mark_line(x: Sequence[float], y: Sequence[float]) -> Line2D:
    """Return upright lines at these places, which cross the bars of another quantity."""
    line = Line2D(list(x), list(y), linewidth=0, marker="|", clip_on=False)
    line.set(markersize=9, markeredgewidth=1.8, markeredgecolor=INK)
    return line
