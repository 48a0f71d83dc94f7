"""The figure of points that are coded in a plane: the points themselves, p(z) and q(z).

Shapes: N points, S draws of z, H W cells of the latent window, the lowest row first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from runner.figures.style import (
    ACCENT,
    INK,
    LEGEND_TEXT,
    LINE,
    QUIET,
    TEXT,
    page,
    place,
    text_width,
    write_ticks,
)

_COLOURS = (ACCENT, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, for all kinds of colour vision; none of them is grey, as densities are."""

_DENSITY = LinearSegmentedColormap.from_list("density", ["#ffffff", "#c4c4c4", "#5a5a5a"])

_SIDE = 290
_LEFT = 40
"""Room for the numbers beside a panel."""

_PITCH = _SIDE + _LEFT + 8
_TOP = 1.75 * LINE
_BAR = 10
"""Height of the bar of shades."""

_MASSES = (0.95, 0.5)
"""Shares of p(z) that its lines enclose."""

_DARKEST = 2.0
"""The darkest shade as a multiple of the highest p(z): q(z) may have needles far above it."""

_DOT = 9
"""Area of a point, in square points."""


class Window(NamedTuple):
    """The part of the latent plane that is shown."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, z_S2: NDArray[np.floating]) -> Self:
        """Return a square that holds all draws, with a margin."""
        low_2, high_2 = z_S2.min(axis=0), z_S2.max(axis=0)
        reach = 0.54 * float((high_2 - low_2).max()) or 1.0
        x, y = ((low_2 + high_2) / 2).tolist()
        return cls(x - reach, x + reach, y - reach, y + reach)

    def cells(self, side: int) -> NDArray[np.float32]:
        """Return where densities are to be evaluated, the middles of the cells, (side, side, 2)."""
        at = (np.arange(side) + 0.5) / side
        x_W = self.left + (self.right - self.left) * at
        y_H = self.bottom + (self.top - self.bottom) * at
        return np.stack(np.meshgrid(x_W, y_H), axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Points:
    """Data, their reconstructions, a draw of z for each of them, and at most six classes."""

    data_N2: NDArray[np.floating]
    reconstructions_N2: NDArray[np.floating]
    z_N2: NDArray[np.floating]
    classes_N: NDArray[np.integer]
    class_names: Sequence[str]

    @property
    def colours_N(self) -> list[str]:
        """The colour of each point."""
        return [_COLOURS[c] for c in self.classes_N]


@dataclass(frozen=True)
class Densities:
    """p(z) and q(z) at the middles of the window's cells."""

    window: Window
    prior_HW: NDArray[np.floating]
    posterior_HW: NDArray[np.floating]

    @property
    def shades(self) -> Normalize:
        """The one scale of both."""
        highest = max(float(self.prior_HW.max()), float(self.posterior_HW.max()))
        return Normalize(0, min(highest, _DARKEST * float(self.prior_HW.max())))


def plane(points: Points, densities: Densities) -> Figure:
    """Return the data with their reconstructions, p(z) with draws of z, and q(z), side by side.

    Source: the pinwheel figure of Mathieu et al. 2019, with q(z) beside p(z).
    """
    figure = page(3 * _PITCH + 14, _TOP + _SIDE + 3.75 * LINE)
    _draw_data(_panel(figure, 0, "points and their reconstructions"), points)
    prior = _panel(figure, 1, "prior p(z), and draws z from q(z|x)")
    _draw_density(prior, densities, densities.prior_HW)
    _draw_draws(prior, points)
    posterior = _panel(figure, 2, "aggregate posterior q(z)")
    _draw_density(posterior, densities, densities.posterior_HW)
    for axes in figure.axes:
        _write_numbers(axes, "bottom")
        _write_numbers(axes, "left")
    _explain(figure, points)
    _draw_shades(figure, densities)
    return figure


def _panel(figure: Figure, place_in_row: int, title: str) -> Axes:
    axes = place(figure, (_LEFT + place_in_row * _PITCH, _TOP, _SIDE, _SIDE))
    axes.set_title(title, loc="left", pad=6, **TEXT)
    axes.spines[:].set(visible=True, color=QUIET, linewidth=0.5)
    return axes


def _draw_data(axes: Axes, points: Points) -> None:
    """Draw points as pale dots, reconstructions as rings, and a line from each to its own."""
    colours_N = points.colours_N
    pairs_N22 = np.stack([points.data_N2, points.reconstructions_N2], axis=1)
    axes.add_collection(LineCollection(list(pairs_N22), colors=colours_N, alpha=0.4, lw=0.6))
    axes.scatter(*points.data_N2.T, c=colours_N, s=_DOT, alpha=0.4, linewidths=0)
    rings = axes.scatter(*points.reconstructions_N2.T, s=_DOT, linewidths=0.7)
    rings.set(facecolor="none", edgecolor=colours_N)
    _show(axes, Window.around(pairs_N22.reshape(-1, 2)))


def _draw_draws(axes: Axes, points: Points) -> None:
    # In the order of a permutation no class is drawn over the others.
    order_N = np.random.default_rng(0).permutation(len(points.z_N2))
    colours_N = [points.colours_N[n] for n in order_N]
    axes.scatter(*points.z_N2[order_N].T, c=colours_N, s=_DOT, linewidths=0, alpha=0.85)


def _draw_density(axes: Axes, densities: Densities, density_HW: NDArray[np.floating]) -> None:
    """Draw a density in shades, with the lines of p(z)."""
    window, prior_HW = densities.window, densities.prior_HW
    axes.imshow(
        density_HW,
        cmap=_DENSITY,
        norm=densities.shades,
        interpolation="bilinear",
        extent=window,
        origin="lower",
    )
    axes.contour(
        prior_HW,
        levels=_levels(prior_HW),
        extent=window,
        origin="lower",
        colors=INK,
        linewidths=0.7,
    )
    _show(axes, window)


def _levels(density_HW: NDArray[np.floating]) -> list[float]:
    """Return the densities down to which the shares ``_MASSES`` of all cells' mass lie."""
    falling = np.sort(density_HW, axis=None)[::-1].astype(np.float64)
    masses = np.cumsum(falling) / falling.sum()
    return np.unique([falling[np.searchsorted(masses, mass)] for mass in _MASSES]).tolist()


def _show(axes: Axes, window: Window) -> None:
    axes.set(xlim=window[:2], ylim=window[2:], aspect="equal")


def _write_numbers(axes: Axes, side: Literal["left", "bottom"]) -> None:
    """Write a few round values along one side of the axes."""
    low, high = axes.get_ylim() if side == "left" else axes.get_xlim()
    round_values = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    ticks = [x for x in round_values if low <= x <= high]
    write_ticks(axes, side, ticks, [f"{x:zg}".replace("-", "\N{MINUS SIGN}") for x in ticks])


def _explain(figure: Figure, points: Points) -> None:
    """Name the classes, and below them what dots and rings are; and the lines, in the middle."""
    dots = [_mark(colour) for colour in _COLOURS[: len(points.class_names)]]
    _write_legend(figure, dots, points.class_names, at=(0, 1))
    point, ring = _mark(INK), _mark("none")
    point.set_alpha(0.4)
    ring.set(markeredgecolor=INK, markeredgewidth=0.7)
    _write_legend(figure, [point, ring], ["point", "reconstruction"], at=(0, 2))
    low, high = (f"{100 * mass:.0f}" for mass in sorted(_MASSES))
    line = Line2D([], [], color=INK, linewidth=0.7)
    _write_legend(figure, [line], [f"around {low} % and {high} % of the prior"], at=(1, 1))


def _mark(colour: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", markersize=5, markeredgewidth=0, linewidth=0)


def _write_legend(
    figure: Figure, marks: Sequence[Line2D], words: Sequence[str], *, at: tuple[int, int]
) -> None:
    """Write a legend below the numbers of a panel: the panel, and the line of the page."""
    panel, line = at
    figure.legend(
        marks,
        words,
        loc="upper left",
        bbox_to_anchor=(0, -(line + 0.5) * LINE / _SIDE),
        bbox_transform=figure.axes[panel].transAxes,
        borderaxespad=0,
        borderpad=0,
        ncols=len(words),
        columnspacing=1.2,
        handlelength=1.2 if marks[0].get_linewidth() else 0.8,
        handletextpad=0.4,
        frameon=False,
        **LEGEND_TEXT,
    )


def _draw_shades(figure: Figure, densities: Densities) -> None:
    """Draw the scale of both densities below the aggregate posterior."""
    word, left = "density", _LEFT + 2 * _PITCH
    indent = text_width(word) + 12
    top = _TOP + _SIDE + 1.7 * LINE
    axes = place(figure, (left + indent, top, _SIDE - indent, _BAR))
    shades = densities.shades
    beyond = "max" if float(densities.posterior_HW.max()) > (shades.vmax or 0) else "neither"
    mappable = ScalarMappable(shades, _DENSITY)
    bar = figure.colorbar(mappable, axes, orientation="horizontal", extend=beyond)
    bar.outline.set(edgecolor=QUIET, linewidth=0.5)
    figure.axes[2].text(
        0,
        -(1.7 * LINE + _BAR / 2) / _SIDE,
        word,
        va="center",
        transform=figure.axes[2].transAxes,
        **TEXT,
    )
    _write_numbers(axes, "bottom")
