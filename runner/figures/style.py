"""The one style of all figures: colours, text, and axes of a given size in pixels."""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Bbox

from runner.figures.page import DPI, text_size

FONT_SIZE = 9
"""Size of text in points, unless the figure is to fit a page."""

LINE = 18
"""Height of a line of text in pixels."""

INK = "#222222"
QUIET = "#8c8c8c"
QUIET_INK = "#595959"
"""Of small type, which is still read easily on white."""

ACCENT = "#0072b2"
COLOURS = (ACCENT, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Palette for all kinds of colour vision (Okabe and Ito 2008)."""

STYLE: Mapping[Any, Any] = {
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "figure.titlesize": FONT_SIZE,
    "savefig.dpi": "figure",
    "font.family": "DejaVu Sans",  # comes with Matplotlib
    "font.size": FONT_SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $, and no formula
    "axes.facecolor": "none",
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": FONT_SIZE,
    "axes.titlepad": 6,
    "axes.titley": 1.0,  # where it is anyhow without ticks at the top, and not searched for
    "axes.labelsize": FONT_SIZE,
    "axes.labelcolor": INK,
    "axes.labelpad": 3,
    "image.interpolation": "nearest",
    "image.aspect": "auto",
    "lines.linewidth": 1.2,
    "lines.markersize": 7,
    "lines.markeredgecolor": "white",
    "lines.markeredgewidth": 0.6,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0.4,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.6,
    "legend.columnspacing": 1.2,
    **{
        f"{side}tick.{key}": value
        for side in "xy"
        for key, value in {
            "labelsize": FONT_SIZE,
            "labelcolor": INK,
            "color": QUIET,
            "major.size": 3,
            "major.pad": 3,
        }.items()
    },
}
"""Matplotlib's settings of every figure."""

_TEXT_SIZES = tuple(key for key, value in STYLE.items() if value == FONT_SIZE)

_LOCK = RLock()
_PAD = 0.07
"""White around everything that is laid out, in inches."""


@contextmanager
def styled() -> Generator[None]:
    """Draw in the one style; also a decorator.

    The settings are those of the process while a figure is drawn, so one thread draws at a time.
    """
    sizes = {key: text_size() for key in _TEXT_SIZES}
    with _LOCK, matplotlib.rc_context({**STYLE, **sizes}):
        yield


def new_figure(heights: Sequence[float], widths: Sequence[float]) -> tuple[Figure, GridSpec]:
    """Return an empty figure and a grid with rows and columns of these sizes in pixels.

    The sizes are those of the axes; :func:`fit` finds the white that their text needs.
    """
    # Larger than needed, so that the first layout has room for any text. Matplotlib allocates the
    # whole canvas to measure text: 30 MB here, 70 with twice the room.
    size = ((2 * sum(widths) + 1500) / DPI, (2 * sum(heights) + 1500) / DPI)
    layout = ConstrainedLayoutEngine(w_pad=_PAD, h_pad=_PAD, wspace=0, hspace=0)
    figure = Figure(figsize=size, layout=layout)
    return figure, figure.add_gridspec(
        len(heights), len(widths), height_ratios=heights, width_ratios=widths
    )


def fit(figure: Figure, grid: GridSpec) -> Figure:
    """Give the axes the sizes of their grid and the figure the size that just holds everything.

    The first axes of the figure must lie in one row and one column, and none may have an aspect of
    its own, since the layout counts what it leaves free. Axes end up on whole pixels, so that
    images whose size is a multiple of their array's are drawn without resampling.
    """
    layout = figure.get_layout_engine()
    assert layout is not None
    # The layout counts the middle of a title or label, which may be beyond narrow axes.
    aligned = [
        text
        for axes in figure.axes
        for text in _wide(axes)
        if text.get_horizontalalignment() == "left"
    ]
    for text in aligned:
        text.set_horizontalalignment("center")
    for _ in range(4):  # axes of another size may have other ticks
        layout.execute(figure)
        wider, higher = _missing(figure, grid)
        if max(abs(wider), abs(higher)) < 0.5:
            break
        width, height = figure.bbox.size
        figure.set_size_inches((width + wider) / DPI, (height + higher) / DPI)
    for text in aligned:
        text.set_horizontalalignment("left")
    figure.set_layout_engine("none")
    _grow(figure)
    return figure


def _wide(axes: Axes) -> list[Text]:
    """Return the titles and the label of the x axis, which may be wider than the axes."""
    others = [child for child in axes.get_children() if child not in axes.texts]
    return [axes.xaxis.label, *(child for child in others if isinstance(child, Text))]


def _missing(figure: Figure, grid: GridSpec) -> tuple[float, float]:
    """Return by how many pixels all columns, and all rows, are too small."""
    widths, heights = map(np.asarray, (grid.get_width_ratios(), grid.get_height_ratios()))
    place = figure.axes[0].get_subplotspec()
    assert place is not None
    drawn = figure.axes[0].get_position(original=True).transformed(figure.transFigure)
    wider = widths.sum() * (1 - drawn.width / widths[place.colspan.start])
    higher = heights.sum() * (1 - drawn.height / heights[place.rowspan.start])
    return float(wider), float(higher)


def _grow(figure: Figure) -> None:
    """Add white on the right and below for titles and legends that the layout does not count."""
    whole = figure.get_tightbbox().padded(_PAD)
    boxes = [axes.get_position().transformed(figure.transFigure) for axes in figure.axes]
    legends = [float(each.get_window_extent().height) + 2 * _PAD * DPI for each in figure.legends]
    width, height = round(float(figure.bbox.width)), round(float(figure.bbox.height))
    wider = max(0, round(whole.x1 * DPI) - width)
    below = max(0, round(-whole.y0 * DPI), round(max(legends, default=0)) - height)
    figure.set_size_inches((width + wider) / DPI, (height + below) / DPI)
    for axes, box in zip(figure.axes, boxes, strict=True):
        corner = round(box.x0), round(box.y0) + below
        placed = Bbox.from_bounds(*corner, round(box.width), round(box.height))
        axes.set_position(placed.transformed(figure.transFigure.inverted()))


def shorten(axes: Axes, height: float) -> None:
    """Give axes that are laid out a smaller height in pixels; their top stays where it is."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    box = axes.get_position().transformed(figure.transFigure)
    placed = Bbox.from_bounds(box.x0, box.y1 - height, box.width, height)
    axes.set_position(placed.transformed(figure.transFigure.inverted()))


def text_width(*texts: str, size: float | None = None) -> float:
    """Return the width of the widest of the texts in pixels, by default of the usual size."""
    pixels = (size or text_size()) * DPI / 72
    family = tuple(matplotlib.rcParams["font.family"])
    return max(_width(text, pixels, family) for text in texts)


@lru_cache(maxsize=4096)
def _width(text: str, pixels: float, _family: tuple[str, ...]) -> float:
    """Return the width of a text, which the figures of further runs mostly have in common."""
    if not text.strip():  # blanks have no outline, from which a width could be measured
        return _width(f"|{text}|", pixels, _family) - _width("||", pixels, _family)
    return float(TextPath((0, 0), text, pixels).get_extents().width)


def wrap(text: str, width: float) -> str:
    """Return the text in lines of about that many pixels at most."""
    characters = int(width * len(text) / max(text_width(text), 1))
    return textwrap.fill(text, max(8, characters), break_on_hyphens=False)
