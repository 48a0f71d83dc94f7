"""Small type below a figure: how many runs or images are behind it, and what was held out."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from runner.figures.page import DPI, room
from runner.figures.style import QUIET_INK, styled, text_width, wrap

_SIZE, _SMALLEST = 7.5, 6.0
"""Of the text in points: on a screen, and on a page."""

_PAD = 8
"""White around the text, in pixels."""

_LEAST_WIDTH = 300
"""A figure is at least so wide that its note is a few lines, in pixels."""


@styled()
def add_note(figure: Figure, parts: Sequence[str]) -> Figure:
    """Write sentences below a figure that is laid out, which grows by what they need."""
    text = "; ".join(part for part in parts if part)
    if not text:
        return figure
    size = _SIZE if room(0) == 0 else _SMALLEST
    scale = text_width("0") / text_width("0", size=size)
    width = max(float(figure.bbox.width), min(_LEAST_WIDTH, scale * text_width(text)))
    written = wrap(text, (width - 2 * _PAD) * scale * 0.97)
    lines = written.count("\n") + 1
    below = round(lines * 1.25 * size * DPI / 72) + _PAD
    _grow(figure, width, below)
    note = figure.text(_PAD / width, _PAD / float(figure.bbox.height), written)
    note.set(size=size, color=QUIET_INK, linespacing=1.2, va="bottom", ha="left", gid="note")
    return figure


def _grow(figure: Figure, width: float, below: int) -> None:
    """Add white below a figure, and on its right; what is drawn keeps its size."""
    old_width, old_height = figure.bbox.size
    height = float(old_height) + below
    boxes = [axes.get_position().transformed(figure.transFigure) for axes in figure.axes]
    figure.set_size_inches(width / DPI, height / DPI)
    for axes, box in zip(figure.axes, boxes, strict=True):
        placed = Bbox.from_bounds(box.x0, box.y0 + below, box.width, box.height)
        axes.set_position(placed.transformed(figure.transFigure.inverted()))
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((x * old_width / width, (y * float(old_height) + below) / height))
    kept = Bbox.from_bounds(0, below / height, float(old_width) / width, 1 - below / height)
    for legend in figure.legends:
        legend.set_bbox_to_anchor(kept, transform=figure.transFigure)
