"""The latent space as a map: its points, and the figure.

Shapes: N images, V columns of codes.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from runner.figures.style import LEGEND_TEXT, LINE, QUIET, TEXT, page, place, text_width

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

_SIDE = 640
"""Edge of the map, in pixels."""

_COLLAPSED = 0.1
"""Standard deviation below which a column is left out: it holds 0.005 nats, the rest is noise."""

_PERPLEXITY = 30.0


def latent_map(codes_NV: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
    """Return a point in the plane for every code, by t-SNE of the standardised columns, (N, 2).

    Columns that hardly vary are left out, since standardising would blow up their noise. Where
    fewer than three columns or four codes remain, the columns themselves are the map.

    Units: codes are in prior standard deviations.
    Source: van der Maaten and Hinton 2008; the Barnes-Hut approximation of scikit-learn.
    """
    scale_V = codes_NV.std(axis=0)
    live_NV = codes_NV[:, scale_V > _COLLAPSED]
    if live_NV.shape[1] < 3 or len(live_NV) < 4:
        return np.pad(live_NV, ((0, 0), (0, 2)))[:, :2].astype(np.float32)
    from sklearn.manifold import TSNE  # half a second that most commands need not spend

    standard_NV = (live_NV - live_NV.mean(axis=0)) / live_NV.std(axis=0)
    perplexity = min(_PERPLEXITY, (len(live_NV) - 1) / 3)
    # An angle of 0.7 instead of 0.5 takes three quarters of the time, to nearly the same optimum.
    tsne = TSNE(perplexity=perplexity, init="pca", angle=0.7, random_state=seed)
    return tsne.fit_transform(standard_NV.astype(np.float32))


def latents(
    points_N2: NDArray[np.floating],
    classes_N: NDArray[np.integer],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """Return the map with its points coloured by class, and classes named where there is room."""
    colours = _colours(len(class_names))
    present: list[int] = np.unique(classes_N).tolist()
    names = [class_names[c] for c in present]
    top = 1.75 * LINE
    figure = page(_SIDE + text_width(*names) + 48, top + _SIDE + 4)
    axes = place(figure, (4, top, _SIDE, _SIDE))
    # In the order of a permutation no class is drawn over the others.
    order_N = np.random.default_rng(0).permutation(len(points_N2))
    axes.scatter(
        *points_N2[order_N].T,
        c=[colours[c] for c in classes_N[order_N]],
        s=float(np.clip(14_000 / len(points_N2), 7, 40)),
        alpha=0.85,
        linewidths=0,
    )
    axes.set_title(title, loc="left", pad=6, **TEXT)
    _set_limits(axes, points_N2)
    axes.spines[:].set(visible=True, color=QUIET, linewidth=0.5)
    places_K2 = np.array([_middle(points_N2[classes_N == c]) for c in present])
    _write_names(axes, places_K2, names)
    _draw_legend(axes, names, [colours[c] for c in present])
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


def _write_names(axes: Axes, places_K2: NDArray[np.floating], names: Sequence[str]) -> None:
    """Write the classes' names at their places, or none where two of them would overlap."""
    pixels_K2 = axes.transData.transform(places_K2)
    apart_KK2 = np.abs(pixels_K2[:, None] - pixels_K2)
    crowded_KK = (apart_KK2 < (1.2 * text_width(*names), LINE)).all(axis=-1)
    if crowded_KK.sum() > len(names):  # more than each with itself
        return
    halo = [withStroke(linewidth=3, foreground="white")]
    for (x, y), name in zip(places_K2, names, strict=True):
        axes.text(x, y, name, ha="center", va="center", weight="bold", path_effects=halo, **TEXT)


def _draw_legend(axes: Axes, names: Sequence[str], colours: Sequence[str]) -> None:
    dots = [
        Line2D([], [], marker="o", markersize=6, linewidth=0, markeredgewidth=0, color=colour)
        for colour in colours
    ]
    axes.legend(
        dots,
        names,
        loc="upper left",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.4,
        handlelength=1,
        handletextpad=0.4,
        frameon=False,
        **LEGEND_TEXT,
    )
