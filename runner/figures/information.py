"""The figures of a run, drawn from arrays.

Nothing here keeps state (no pyplot), so figures can be drawn without a display and in any thread.

Shapes: N images, P pairs of images, T images in a row, C H W image, G groups, F factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from runner.figures.latents import latent_map, latents
from runner.figures.montage import Margins, grid, tile
from runner.figures.style import (
    ACCENT,
    LEGEND_TEXT,
    LINE,
    NUMBER_WIDTH,
    TEXT,
    draw_bars,
    number,
    page,
    place,
    text_width,
    write_ticks,
)
from runner.figures.traversals import traversal_frames, traversals

__all__ = [
    "information",
    "interpolation",
    "latent_map",
    "latents",
    "reconstructions",
    "samples",
    "traversal_frames",
    "traversals",
]

_COLUMNS = 12
_TOP = 24
"""Height of the words above the images."""

_PALE = "#c5ddec"
_ROW = 26
"""Height of a row of bars or cells, in pixels of the page."""

_BAR = 250
"""Length of the longest bar, in pixels of the page."""


def reconstructions(
    originals_NCHW: NDArray[np.floating], reconstructions_NCHW: NDArray[np.floating]
) -> Figure:
    """Return rows of images, each with the row of their reconstructions below it."""
    columns = min(_COLUMNS, len(originals_NCHW))
    pairs = [grid(originals_NCHW, columns), grid(reconstructions_NCHW, columns)]
    rows_IJCHW = np.stack(pairs, axis=1).reshape(-1, *pairs[0].shape[1:])
    montage = tile(rows_IJCHW, rows_apart=range(2, len(rows_IJCHW), 2))
    labels = ["image", "reconstruction"] * len(pairs[0])
    figure, axes = montage.draw(Margins(left=text_width(*labels) + 14))
    write_ticks(axes, "left", montage.centres_I, labels)
    return figure


def samples(images_NCHW: NDArray[np.floating]) -> Figure:
    """Return the images in a grid that is about as wide as it is high."""
    columns = math.ceil(math.sqrt(len(images_NCHW)))
    figure, _ = tile(grid(images_NCHW, columns)).draw(Margins())
    return figure


def interpolation(images_PTCHW: NDArray[np.floating]) -> Figure:
    """Return a row per pair of images: one, the decoded way between their codes, the other.

    The first and the last column hold the images themselves; they are framed.
    """
    last = images_PTCHW.shape[1] - 1
    montage = tile(images_PTCHW, columns_apart=(1, last))
    figure, axes = montage.draw(Margins(left=12, right=12, top=_TOP))
    for top in montage.tops_I:
        for left in montage.lefts_J[[0, last]]:
            frame = Rectangle((left - 0.5, top - 0.5), montage.width, montage.height)
            frame.set(fill=False, edgecolor=ACCENT, linewidth=1.5, clip_on=False)
            axes.add_patch(frame)
    first, *_, end = montage.centres_J
    between = "reconstruction \N{RIGHTWARDS ARROW} reconstruction"
    if text_width(between) > montage.zoom * (montage.lefts_J[last] - montage.lefts_J[1]):
        between = "reconstruction"
    write_ticks(axes, "top", [first, (first + end) / 2, end], ["image", between, "image"])
    return figure


def information(
    variables: Mapping[str, float],
    rates: Mapping[str, float],
    groups: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Return bars of I(x; z_v) within the rates, beside I(factor; z_g) of all groups and factors.

    Units: nats.
    """
    names = sorted(variables, key=lambda name: -variables[name])
    # Groups of one variable keep the variables' order, so that a row can be read across.
    group_names = names if set(names) == set(groups) else list(groups)
    factors = list(next(iter(groups.values())))
    values_GF = np.array([[groups[name][factor] for factor in factors] for name in group_names])
    single = len(factors) == 1
    title = f"information about the {factors[0] if single else 'factors'}, nats"
    top = (1.5 if single else 2.5) * LINE

    left = text_width(*names) + 14
    right = left + _BAR + NUMBER_WIDTH + 24 + text_width(*group_names)
    width = _BAR / 2 if single else len(factors) * max(50, text_width(*factors) + 14)
    reach = max(width + (NUMBER_WIDTH if single else 4), text_width(title) + 8)
    rows = max(len(names), len(group_names))
    figure = page(right + reach, top + rows * _ROW + 1.75 * LINE)
    bars = place(figure, (left, top, _BAR, _ROW * len(names)))
    cells = place(figure, (right, top, width, _ROW * len(group_names)))
    _draw_variables(bars, names, variables, rates)
    if single:
        _draw_factor(cells, values_GF[:, 0].tolist())
    else:
        _draw_factors(cells, values_GF, factors)
    write_ticks(cells, "left", range(len(group_names)), group_names)
    for axes, words in ((bars, "information about the image, nats"), (cells, title)):
        axes.set_title(words, loc="left", y=1, pad=5 if single else 17, **TEXT)
    return figure


def _draw_variables(
    axes: Axes, names: Sequence[str], variables: Mapping[str, float], rates: Mapping[str, float]
) -> None:
    """Draw the information of each variable in front of its rate."""
    ends = [rates[name] for name in names]
    axes.barh(range(len(names)), ends, 0.6, color=_PALE)
    values = [variables[name] for name in names]
    draw_bars(axes, list(enumerate(values)), thickness=0.6, ends=ends)
    axes.set_ylim(len(names) - 0.5, -0.5)
    write_ticks(axes, "left", range(len(names)), names)
    axes.legend(
        [Patch(color=ACCENT), Patch(color=_PALE)],
        ["I(x; z)", "rate, E KL(q(z|x) \N{DOUBLE VERTICAL LINE} p(z))"],
        loc="upper left",
        bbox_to_anchor=(0, 0),
        borderaxespad=0.4,
        borderpad=0,
        ncols=2,
        columnspacing=1.2,
        handlelength=1.2,
        handletextpad=0.5,
        frameon=False,
        **LEGEND_TEXT,
    )


def _draw_factor(axes: Axes, values_G: Sequence[float]) -> None:
    """Draw the information of each group about the only factor."""
    draw_bars(axes, list(enumerate(values_G)), thickness=0.6)
    axes.set_ylim(len(values_G) - 0.5, -0.5)


def _draw_factors(axes: Axes, values_GF: NDArray[np.floating], factors: Sequence[str]) -> None:
    """Draw a cell for each group and factor, the darker the more the group knows."""
    most = float(values_GF.max()) or 1
    right_F1, down_G1 = (
        np.arange(length + 1) - 0.5 for length in values_GF.T.shape
    )  # cells' edges
    cells = axes.pcolormesh(right_F1, down_G1, values_GF, cmap="Blues", vmin=0, vmax=most)
    cells.set(edgecolor="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(values_GF):
        style = {**TEXT, "color": "white"} if value > 0.6 * most else TEXT
        axes.text(column, row, number(float(value)), ha="center", va="center", **style)
    axes.set_ylim(len(values_GF) - 0.5, -0.5)
    write_ticks(axes, "top", range(len(factors)), factors)
