"""What a latent space loses as variables are switched off."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.evaluation.pruning import Pruning
from runner.figures.numbers import number
from runner.figures.page import room
from runner.figures.style import ACCENT, fit, new_figure, styled, text_width

_HEIGHT = 130
_PITCH = 48
"""Least distance between two points: each has its value beside it."""

_MOST = 16
"""Points that have their values beside them; of more, every second one has, or fewer."""

_TITLES = (
    "squared error per pixel  \N{DOWNWARDS ARROW} lower is better",
    "I(x; z) of the variables kept, nats",
)


@styled()
def pruning_figure(pruned: Pruning) -> Figure:
    """Return the reconstruction and the information, one above the other, by variables kept."""
    names = ["none", *(f"+ {name}" for name in pruned.names)]
    pitch = max(_PITCH, text_width(*names) + 14)
    most = min(_MOST, int(room(pitch * (_MOST + 2)) / pitch) - 2)
    every = math.ceil(len(names) / most)
    width = max(pitch * len(pruned.names) / every, text_width(*_TITLES))
    figure, grid = new_figure([_HEIGHT, _HEIGHT], [width])
    upper, lower = (figure.add_subplot(grid[row]) for row in range(2))
    _draw(upper, pruned.squared_error_K, every, digits=3, side="left")
    _draw(lower, pruned.information_K, every, digits=1, side="right")
    for axes, title in zip((upper, lower), _TITLES, strict=True):
        axes.set_title(title, pad=17)  # above the value of the highest point
    upper.tick_params(labelbottom=False)
    lower.set_xticks(range(0, len(names), every), names[::every])
    lower.set_xlabel("variables kept, the most informative first", loc="left")
    return fit(figure, grid)


def _draw(
    axes: Axes,
    values_K: NDArray[np.floating],
    every: int,
    *,
    digits: int,
    side: Literal["left", "right"],
) -> None:
    """Draw a line through the values, ``every`` so many of them written above it.

    ``side`` aligns them off a slope.
    """
    axes.plot(values_K, color=ACCENT, marker="o", ms=4, mec=ACCENT, clip_on=False)
    offset = (-3 if side == "left" else 3, 5)
    for k, value in list(enumerate(values_K.tolist()))[::every]:
        text = number(value, digits)
        axes.annotate(text, (k, value), offset, textcoords="offset points", ha=side)
    lowest, highest = min(0.0, float(values_K.min())), float(values_K.max())
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xlim=(0, len(values_K) - 1), xticks=[], yticks=[])
    axes.set_ylim(lowest, highest if highest > lowest else lowest + 1)
