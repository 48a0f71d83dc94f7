"""The figure of a pruned latent space."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.evaluation.pruning import Pruning
from runner.figures.style import ACCENT, LINE, QUIET, TEXT, page, place, text_width, write_ticks

_HEIGHT = 130
"""Of a panel, in pixels of the page."""

_PITCH = 48
"""Least distance between two numbers of variables: each has its value beside it."""

_LEFT, _RIGHT = 36, 52
"""White beside the panels, at least: with the values of the first and the last point."""

_TOP = 2.75 * LINE
_BETWEEN = 3.25 * LINE
"""White between the panels, with the words above the lower one."""

_TITLES = ("squared error per pixel", "information about the image, I(x; z), nats")
_BELOW = "variables kept, the most informative first"


def pruning_figure(pruned: Pruning) -> Figure:
    """Return the reconstruction and the information, one above the other, by variables kept."""
    words = ["none", *(f"+ {name}" for name in pruned.names)]
    pitch = max(_PITCH, text_width(*words) + 14)
    width = max(pitch * len(pruned.names), text_width(*_TITLES, _BELOW))
    right = max(_RIGHT, text_width(words[-1]) / 2 + 8)
    figure = page(_LEFT + width + right, _TOP + 2 * _HEIGHT + _BETWEEN + 2.75 * LINE)
    upper = place(figure, (_LEFT, _TOP, width, _HEIGHT))
    lower = place(figure, (_LEFT, _TOP + _HEIGHT + _BETWEEN, width, _HEIGHT))
    _draw(upper, pruned.squared_error_K, digits=3, side="left")
    _draw(lower, pruned.information_K, digits=1, side="right")
    for axes, title in zip((upper, lower), _TITLES, strict=True):
        axes.set_title(title, loc="left", y=1, pad=17, **TEXT)
    write_ticks(lower, "bottom", range(len(words)), words)
    lower.set_xlabel(_BELOW, loc="left", labelpad=4, **TEXT)
    return figure


def _draw(
    axes: Axes, values_K: NDArray[np.floating], *, digits: int, side: Literal["left", "right"]
) -> None:
    """Draw a line through the values, each written above it; ``side`` aligns them off a slope."""
    axes.plot(values_K, color=ACCENT, linewidth=1.2, marker="o", markersize=4, clip_on=False)
    offset = (-3 if side == "left" else 3, 5)
    for k, value in enumerate(values_K.tolist()):
        words = f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")
        axes.annotate(words, (k, value), offset, textcoords="offset points", ha=side, **TEXT)
    lowest, highest = min(0.0, float(values_K.min())), float(values_K.max())
    axes.set_xlim(0, len(values_K) - 1)
    axes.set_ylim(lowest, highest if highest > lowest else lowest + 1)
    axes.spines["bottom"].set(visible=True, color=QUIET, linewidth=0.8)
