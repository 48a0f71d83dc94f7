"""What the charts of a comparison share: panels with scales, marks, and how figures are named.

Lengths are in pixels of the page, counted from its top left corner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation, Transform

from runner.comparison.configurations import Configuration
from runner.comparison.statistics import spread
from runner.figures.style import DPI, INK, LEGEND_TEXT, LINE, QUIET, TEXT, place, text_width

COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#832db6",
    "#222222",
    "#a96b59",
    "#b9ac70",
)
"""Okabe and Ito's palette for all kinds of colour vision, and three of Petroff's."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X")

TITLE = 24
"""Height of the words above a panel."""

GAP = 28
"""White between panels."""


_PALEST = 0.5
"""How much of its colour the palest mark of a family keeps."""


@dataclass(frozen=True)
class Style:
    """How the cells of a line are drawn."""

    colour: str | tuple[float, float, float]
    marker: str


def style(family: int, member: int, members: int) -> Style:
    """Return the style of a member of a family: families differ in colour, members in shade."""
    share = 1 if members == 1 else _PALEST + (1 - _PALEST) * member / (members - 1)
    colour = COLOURS[family % len(COLOURS)]
    red, green, blue = (1 - share * (1 - int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return Style((red, green, blue), MARKERS[(member + family // len(COLOURS)) % len(MARKERS)])


def limits(configurations: Sequence[Configuration], metric: str) -> tuple[float, float]:
    """Return the ends of a scale that shows all seeds, means and deviations."""
    ends: list[float] = []
    for configuration in configurations:
        found = spread(configuration, metric)
        if found is not None:
            reach = found.deviation or 0
            ends += [*configuration.values(metric).tolist(), found.mean - reach, found.mean + reach]
    margin = 0.08 * (max(ends) - min(ends)) or 0.05 * abs(ends[0]) or 1
    return min(ends) - margin, max(ends) + margin


def configurations_with(
    configurations: Sequence[Configuration], *metrics: str
) -> list[Configuration]:
    """Return the cells of which some run has all these figures."""
    return [
        c for c in configurations if any(all(m in run.metrics for m in metrics) for run in c.runs)
    ]


def decimals(values: Sequence[float]) -> int:
    """Return how many decimals tell the values apart: three digits of the way between them."""
    low, high = min(values), max(values)
    reach = high - low or abs(high) or 1
    return min(max(2 - math.floor(math.log10(reach)), 0), 5)


def written(value: float, places: int) -> str:
    """Return a number with so many decimals, as it is printed."""
    return f"{value:z,.{places}f}".replace("-", "\N{MINUS SIGN}").replace(",", "\N{THIN SPACE}")


def panel(figure: Figure, box: tuple[float, float, float, float], title: str = "") -> Axes:
    """Return axes with a scale on the left and one at the bottom, in the box of their inside."""
    axes = place(figure, box)
    axes.spines[["left", "bottom"]].set(visible=True, color=QUIET, linewidth=0.8)
    for axis, length in ((axes.xaxis, box[2]), (axes.yaxis, box[3])):
        axis.set_major_locator(MaxNLocator(nbins=max(4, round(length / 55)), min_n_ticks=2))
    axes.tick_params(
        length=3,
        color=QUIET,
        pad=3,
        labelsize=TEXT["fontsize"],
        labelcolor=INK,
        labelfontfamily=TEXT["fontfamily"],
    )
    axes.set_title(_cut(title, box[2] + GAP), loc="left", y=1, pad=6, **TEXT)
    return axes


def set_hyperparameter_scale(
    axes: Axes, values: Sequence[float], width: float, *, without: bool
) -> float:
    """Give the x axis equal steps for equal ratios, with ticks at the values themselves.

    Around zero, where ratios end, the scale is linear up to the smallest value. Returns the place
    before all values for what has none, with a tick of its own if there is such a thing.
    """
    ticks = sorted(set(values))
    sizes = sorted({abs(value) for value in ticks if value})
    if ticks[0] > 0:
        axes.set_xscale("log", base=2)
    elif sizes:
        axes.set_xscale("symlog", base=2, linthresh=sizes[0], linscale=1)
    axes.xaxis.set_minor_locator(NullLocator())
    scale = axes.xaxis.get_transform()
    ends = scale.transform(np.array(ticks))
    reach = float(ends[-1] - ends[0]) or 1
    nowhere = float(ends[0]) - max(reach / len(ticks), 0.2 * reach)
    low, high = (nowhere if without else ends[0]) - 0.08 * reach, ends[-1] + 0.08 * reach
    place, *limits = scale.inverted().transform(np.array([nowhere, low, high])).tolist()
    axes.set_xlim(*limits)
    words = [f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in ticks]
    if without:
        ticks, words, ends = [place, *ticks], ["none", *words], np.array([nowhere, *ends])
    pixels = (width * (ends - low) / (high - low)).tolist()
    axes.set_xticks(ticks, _as_far_as_there_is_room(words, pixels))
    return place


def _as_far_as_there_is_room(words: Sequence[str], pixels: Sequence[float]) -> list[str]:
    """Return the words, the last one and those that do not reach into one after them."""
    kept: list[str] = []
    free = math.inf
    for word, pixel in reversed(list(zip(words, pixels, strict=True))):
        half = text_width(word) / 2 + 3
        fits = pixel + half <= free
        kept.append(word if fits else "")
        free = pixel - half if fits else free
    return kept[::-1]


def shifted(axes: Axes, pixels: float) -> Transform:
    """Return the coordinates of the axes, moved to the right by so many pixels."""
    return axes.transData + ScaledTranslation(pixels / DPI, 0, axes.figure.dpi_scale_trans)


def key(styles: Mapping[str, Style]) -> tuple[list[Line2D], list[str]]:
    """Return the handles and the words of a legend."""
    handles = [
        Line2D(
            [],
            [],
            color=style.colour,
            marker=style.marker,
            markersize=7,
            linewidth=1.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
        for style in styles.values()
    ]
    return handles, list(styles)


def key_size(names: Sequence[str]) -> tuple[float, float]:
    """Return width and height of a legend of these names."""
    return text_width(*names) + 52, len(names) * LINE + 8


def write_key(
    figure: Figure, left: float, top: float, handles: Sequence[Line2D], names: Sequence[str]
) -> None:
    """Draw a legend, a line for each name."""
    axes = place(figure, (left, top, *key_size(names)))
    axes.legend(
        list(handles),
        list(names),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        borderpad=0,
        handlelength=1.8,
        handletextpad=0.6,
        labelspacing=(LINE - 0.8 * TEXT["fontsize"] * DPI / 72) / (TEXT["fontsize"] * DPI / 72) / 2,
        frameon=False,
        **LEGEND_TEXT,
    )


def write(figure: Figure, left: float, top: float, words: str, *, weight: str = "normal") -> None:
    """Write words with their top left corner there."""
    width, height = figure.get_size_inches() * DPI
    figure.text(left / width, 1 - top / height, words, va="top", weight=weight, **TEXT)


def wrapped(words: str, width: float) -> list[str]:
    """Return words in lines of at most that width, broken at blanks; a longer word is cut."""
    lines: list[str] = []
    for word in words.split("  "):
        longer = f"{lines[-1]}  {word}" if lines else word
        if lines and text_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_cut(word, width))
    return lines


def _cut(word: str, width: float) -> str:
    """Return the beginning of a word that is too long."""
    while len(word) > 2 and text_width(word) > width:
        word = word.removesuffix("\N{HORIZONTAL ELLIPSIS}")[:-1] + "\N{HORIZONTAL ELLIPSIS}"
    return word
