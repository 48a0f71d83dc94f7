"""A map of codes, coloured by class.

Shapes: N images, K classes that occur.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from runner.figures.page import room
from runner.figures.style import LINE, fit, new_figure, styled, text_width

_PETROFF = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that remain distinct under colour blindness (Petroff 2021, arXiv 2107.02270)."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
"""One for each of ten classes, which grey tells apart as well."""

_PATHS = [
    marker.get_path().transformed(marker.get_transform()) for marker in map(MarkerStyle, _MARKERS)
]

_BESIDE = 130
"""Pixels for the names of the classes."""

_SIDE = 640
"""Edge of the map, in pixels."""


@styled()
def latents(
    points_N2: NDArray[np.floating],
    classes_N: NDArray[np.integer],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """Return the map with its points coloured by class, and classes named where there is room.

    Without ``class_names`` nothing is known of the images, and all have one colour.
    """
    colours = _colours(len(class_names) or 1)
    present: list[int] = np.unique(classes_N).tolist() if class_names else []
    names = [class_names[c] for c in present]
    side = min(_SIDE, room(_SIDE + _BESIDE) - _BESIDE)
    figure, grid = new_figure([side], [side])
    axes = figure.add_subplot(grid[0], title=title, xticks=[], yticks=[])
    # In the order of a permutation no class is drawn over the others.
    order_N = np.random.default_rng(0).permutation(len(points_N2))
    shown = axes.scatter(
        *points_N2[order_N].T,
        c=[colours[c] for c in classes_N[order_N]],
        s=float(np.clip(14_000 / len(points_N2), 7, 40)) * (side / _SIDE),
        alpha=0.85,
        linewidths=0,
    )
    shown.set_paths([_PATHS[c % len(_PATHS)] for c in classes_N[order_N]])
    _set_limits(axes, points_N2)
    axes.spines[:].set(visible=True, linewidth=0.5)
    if not present:
        return fit(figure, grid)
    dots = [
        Line2D([], [], marker=_MARKERS[c % len(_MARKERS)], ms=6, lw=0, mew=0, color=colours[c])
        for c in present
    ]
    figure.legend(dots, names, loc="outside right upper", handlelength=1, handletextpad=0.4)
    fit(figure, grid)
    middles_K2 = np.array([_middle(points_N2[classes_N == c]) for c in present])
    _write_names(axes, middles_K2, names)
    return figure


def _colours(count: int) -> list[str]:
    """Return a colour per class; beyond ten classes they follow the order of the classes."""
    if count <= len(_PETROFF):
        return list(_PETROFF[:count])
    scale = matplotlib.colormaps["viridis"]
    return [to_hex(scale(i / (count - 1))) for i in range(count)]


def _middle(points_N2: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the point next to the median: of a class in two parts it lies in one of them."""
    distance_N = np.linalg.norm(points_N2 - np.median(points_N2, axis=0), axis=1)
    return points_N2[distance_N.argmin()]


def _set_limits(axes: Axes, points_N2: NDArray[np.floating]) -> None:
    """Show all points, with the same scale along both axes."""
    low_2, high_2 = points_N2.min(axis=0), points_N2.max(axis=0)
    reach = 0.53 * float((high_2 - low_2).max()) or 1
    x, y = ((low_2 + high_2) / 2).tolist()
    axes.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach))


def _write_names(axes: Axes, middles_K2: NDArray[np.floating], names: Sequence[str]) -> None:
    """Write the classes' names at their middles, or none where two of them would overlap."""
    pixels_K2 = axes.transData.transform(middles_K2)
    apart_KK2 = np.abs(pixels_K2[:, None] - pixels_K2)
    crowded_KK = (apart_KK2 < (1.2 * text_width(*names), LINE)).all(axis=-1)
    if crowded_KK.sum() > len(names):  # more than each with itself
        return
    halo = [withStroke(linewidth=3, foreground="white")]
    for (x, y), name in zip(middles_K2, names, strict=True):
        axes.text(x, y, name, ha="center", va="center", weight="bold", path_effects=halo)
