"""Points that are coded in a plane: the points themselves, p(z) and q(z).

Shapes: N points, H W raster cells of the latent window, the lowest row first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from runner.evaluation.latent_plane import Densities, Points, Window
from runner.figures.page import is_narrow, room
from runner.figures.style import COLOURS, INK, LINE, QUIET, fit, new_figure, styled

_DENSITY = LinearSegmentedColormap.from_list("density", ["#ffffff", "#c4c4c4", "#5a5a5a"])

_SIDE = 290
_BESIDE = 50
"""Pixels for the scale of a panel."""

_BAR = 10
"""Height of the bar of shades."""

_MASSES = (0.95, 0.5)
"""Shares of p(z) that its lines enclose."""

_DARKEST = 2.0
"""The darkest shade as a multiple of the highest p(z): q(z) may have needles far above it."""

_DOT = 9
"""Area of a point, in square points."""


@styled()
def plane(points: Points, densities: Densities) -> Figure:
    """Return data with their reconstructions, p(z) with draws of z, and q(z), side by side.

    There are as many colours as there may be classes: six.

    Source: the pinwheel figure of Mathieu et al. 2019, with q(z) beside p(z).
    """
    across = 1 if is_narrow() else 3
    side = min(_SIDE, room(3 * (_SIDE + _BESIDE)) / across - _BESIDE)
    figure, grid = new_figure([side, 2 * LINE] * (3 // across), [side] * across)
    places = [divmod(panel, across) for panel in range(3)]
    data, prior, posterior = (figure.add_subplot(grid[2 * row, column]) for row, column in places)
    data.set_title("points and their reconstructions")
    _draw_data(data, points)
    prior.set_title("prior p(z), and draws z from q(z|x)")
    _draw_density(prior, densities, densities.prior_HW)
    _draw_draws(prior, points)
    posterior.set_title("aggregate posterior q(z)")
    _draw_density(posterior, densities, densities.posterior_HW)
    for axes in (data, prior, posterior):
        axes.spines[:].set(visible=True, linewidth=0.5)
    names, contours, bar = (figure.add_subplot(grid[2 * row + 1, column]) for row, column in places)
    _name_points(names, points)
    low, high = (f"{100 * mass:.0f}" for mass in sorted(_MASSES))
    line = Line2D([], [], color=INK, linewidth=0.7)
    _draw_legend(contours, [line], [f"around {low} % and {high} % of the prior"])
    _draw_shades(figure, bar, densities)
    return fit(figure, grid)


def shades(densities: Densities) -> Normalize:
    """Return the one scale of both densities."""
    highest = max(float(densities.prior_HW.max()), float(densities.posterior_HW.max()))
    return Normalize(0, min(highest, _DARKEST * float(densities.prior_HW.max())))


def _colours(points: Points) -> list[str]:
    return [COLOURS[c] for c in points.classes_N]


def _draw_data(axes: Axes, points: Points) -> None:
    """Draw points as pale dots, reconstructions as rings, and a line from each to its own."""
    colours_N = _colours(points)
    pairs_N22 = np.stack([points.data_N2, points.reconstructions_N2], axis=1)
    axes.add_collection(LineCollection(list(pairs_N22), colors=colours_N, alpha=0.4, lw=0.6))
    axes.scatter(*points.data_N2.T, c=colours_N, s=_DOT, alpha=0.4, linewidths=0)
    rings = axes.scatter(*points.reconstructions_N2.T, s=_DOT, linewidths=0.7)
    rings.set(facecolor="none", edgecolor=colours_N)
    _show(axes, Window.around(pairs_N22.reshape(-1, 2)))


def _draw_draws(axes: Axes, points: Points) -> None:
    # In the order of a permutation no class is drawn over the others.
    order_N = np.random.default_rng(0).permutation(len(points.z_N2))
    colours_N = [_colours(points)[n] for n in order_N]
    axes.scatter(*points.z_N2[order_N].T, c=colours_N, s=_DOT, linewidths=0, alpha=0.85)


def _draw_density(axes: Axes, densities: Densities, density_HW: NDArray[np.floating]) -> None:
    """Draw a density in shades, with the lines of p(z)."""
    window, prior_HW = densities.window, densities.prior_HW
    image = axes.imshow(density_HW, _DENSITY, shades(densities), extent=window, origin="lower")
    image.set_interpolation("bilinear")
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
    """Show a window, which is square as the panels are."""
    axes.set(xlim=window[:2], ylim=window[2:])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def _name_points(axes: Axes, points: Points) -> None:
    """Name the classes, and below them what dots and rings are."""
    dots = [_mark(colour) for colour in COLOURS[: len(points.class_names)]]
    axes.add_artist(_draw_legend(axes, dots, points.class_names))
    point, ring = _mark(INK), _mark("none")
    point.set_alpha(0.4)
    ring.set(markeredgecolor=INK, markeredgewidth=0.7)
    _draw_legend(axes, [point, ring], ["point", "reconstruction"]).set_loc("lower left")


def _mark(colour: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", markersize=5, markeredgewidth=0, linewidth=0)


def _draw_legend(axes: Axes, marks: Sequence[Line2D], names: Sequence[str]) -> Legend:
    """Draw a legend instead of axes."""
    axes.set_axis_off()
    length = 1.2 if marks[0].get_linewidth() else 0.8
    return axes.legend(
        marks, names, loc="upper left", ncols=len(names), borderaxespad=0, handlelength=length
    )


def _draw_shades(figure: Figure, axes: Axes, densities: Densities) -> None:
    """Draw the scale of both densities instead of axes."""
    axes.set_axis_off()
    place = axes.inset_axes((0, 1 - _BAR / (2 * LINE), 1, _BAR / (2 * LINE)))
    scale = shades(densities)
    beyond = "max" if float(densities.posterior_HW.max()) > (scale.vmax or 0) else "neither"
    mappable = ScalarMappable(scale, _DENSITY)
    bar = figure.colorbar(mappable, place, orientation="horizontal", extend=beyond)
    bar.outline.set(edgecolor=QUIET, linewidth=0.5)
    bar.set_label("density")
    bar.locator = MaxNLocator(4, steps=[1, 2, 5, 10])
