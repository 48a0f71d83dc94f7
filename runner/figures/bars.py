"""Bars with their values written at their ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from runner.figures.style import ACCENT, number

PALE = "#c5ddec"
"""Of bars behind others."""


def draw_bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float],
    *,
    thickness: float = 0.6,
    behind: Sequence[float] | None = None,
) -> BarContainer:
    """Draw horizontal bars from a line at zero, each value written at its end.

    Args:
        axes: where to draw; they have no scale and no ticks.
        places: of the bars on the y axis.
        values: of the bars; a negative one has no bar.
        thickness: of the bars, in the units of the y axis.
        behind: values of paler bars behind these; the values are then written clear of both.
    """
    ends = np.maximum(values, 0)
    if behind is not None:
        axes.barh(places, behind, thickness, color=PALE)
    bars = labelled = axes.barh(places, ends, thickness, color=ACCENT)
    if behind is not None:
        ends = np.maximum(ends, behind)
        labelled = axes.barh(places, ends, thickness, color="none")
    axes.bar_label(labelled, [number(value) for value in values], padding=4)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xlim=(0, float(ends.max()) or 1), xticks=[], yticks=[])
    return bars
