"""The page that a figure is drawn on: its sizes, colours, words and bars.

Lengths are in pixels of the page, counted from its top left corner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

DPI = 120
"""Pixels per inch: a page as wide as a README's column has words of the size of its text."""

INK = "#222222"
QUIET = "#8c8c8c"
ACCENT = "#0072b2"
"""The blue of Okabe and Ito's palette for all kinds of colour vision."""

TEXT: Mapping[str, Any] = {"fontsize": 9, "color": INK, "fontfamily": "DejaVu Sans"}
"""How all words are set; the font comes with matplotlib."""

LEGEND_TEXT: Mapping[str, Any] = {
    "prop": {"size": TEXT["fontsize"], "family": TEXT["fontfamily"]},
    "labelcolor": INK,
}
"""The same, as a legend takes it."""

LINE = 18
"""Height of a line of text."""

NUMBER_WIDTH = 44
"""Room for a number after a bar."""


def page(width: float, height: float) -> Figure:
    """Return an empty white figure."""
    size = (round(width) / DPI, round(height) / DPI)
    return Figure(figsize=size, dpi=DPI, facecolor="white")


def place(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Return axes without lines or ticks in the box (left, top, width, height)."""
    page_width, page_height = figure.get_size_inches() * DPI
    left, top, width, height = (round(length) for length in box)
    bottom = page_height - top - height
    axes = figure.add_axes(
        (left / page_width, bottom / page_height, width / page_width, height / page_height)
    )
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    return axes


def write_ticks(
    axes: Axes,
    side: Literal["left", "top", "bottom"],
    positions: Sequence[float],
    words: Sequence[str],
) -> None:
    """Write words along one side of the axes."""
    axis = axes.yaxis if side == "left" else axes.xaxis
    if side == "top":
        axes.xaxis.tick_top()
    axis.set_ticks(positions, words, **TEXT)
    axis.set_tick_params(length=0, pad=4)


def text_width(*words: str) -> float:
    """Return the width of the widest of the words."""
    size = TEXT["fontsize"] * DPI / 72
    return max(float(TextPath((0, 0), word, size).get_extents().width) for word in words)


def number(value: float) -> str:
    """Return the value with two decimals; a tiny negative one is zero."""
    return f"{value:z.2f}".replace("-", "\N{MINUS SIGN}")


def draw_bars(
    axes: Axes,
    bars: Sequence[tuple[float, float]],
    *,
    thickness: float,
    ends: Sequence[float] = (),
) -> None:
    """Draw horizontal bars (position, value) from a line at zero, each value written at its end.

    Where ``ends`` are given, the values are written there instead, clear of what else is drawn.
    """
    axes.barh([y for y, _ in bars], [value for _, value in bars], thickness, color=ACCENT)
    values = [value for _, value in bars]
    right = [max(value, end, 0) for value, end in zip(values, ends or values, strict=True)]
    for (y, value), x in zip(bars, right, strict=True):
        axes.annotate(
            number(value), (x, y), (4, 0), textcoords="offset points", va="center", **TEXT
        )
    axes.set_xlim(0, max([*right, 0]) or 1)
    axes.spines["left"].set(visible=True, color=QUIET, linewidth=0.8)
