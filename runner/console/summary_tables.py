"""The final figures of a run as tables for a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from runner.metric.quantities import TERM_WORDS

_GAP = 3
"""Cells between two columns."""
_MARGIN = 2
_FIGURE_WIDTH = len("-99.999")
_BAR_WIDTH = 16
_UNUSED = 0.01
"""Nats below which a variable is shown as unused."""

Figures = Mapping[str, float | None]


def figure_text(value: float | None) -> str:
    """Return a figure with three decimals, so that figures below each other are aligned."""
    return "-" if value is None else f"{value:z,.3f}"


def summary_tables(
    summary: Mapping[str, Any], *, width: int, ascii_only: bool
) -> Iterator[tuple[str, Table]]:
    """Yield (title, table) of the content of ``summary.json``; the title may be empty.

    Units: nats, but for the scores.
    """
    images, encodings = f"{summary['images']:,}", f"{summary['encodings']:,}"
    yield f"{images} images, q(z) from {encodings} encodings; all in nats", _terms(summary)
    known = summary["information"]
    if known["variable"]:
        free = width - _MARGIN - _widest("variable", known["variable"])
        free -= len("information") + _FIGURE_WIDTH + 3 * _GAP
        bars = ("#" if ascii_only else "━", min(_BAR_WIDTH, max(0, free)))
        title = "What each variable knows of the image, and its rate"
        yield title, _variables(known["variable"], known["rate"], bars)
    if known["group"]:
        title = "What each group knows of the image and of each factor"
        for table in _groups(width, known["group"], known["factor"]):
            yield title, table
            title = ""
    if summary["scores"]:
        scores = _table("score", "value")
        for name, value in summary["scores"].items():
            scores.add_row(Text(name), figure_text(value))
        yield "", scores


def _terms(summary: Mapping[str, Any]) -> Table:
    table = _table("figure", "nats")
    table.add_row("ELBO", figure_text(summary["elbo"]), style="bold")
    for term, words in TERM_WORDS.items():
        if term in summary["terms"]:  # a deterministic code has its reconstruction alone
            table.add_row(words, figure_text(summary["terms"][term]))
    table.add_row("rate", figure_text(summary["rate"]))
    return table


def _variables(information: Figures, rates: Figures, bars: tuple[str, int]) -> Table:
    """Return a row per variable; ``bars`` is (a stroke, the strokes of the longest bar)."""
    known = {
        name: value if value is not None and math.isfinite(value) else 0.0
        for name, value in information.items()
    }
    stroke, longest = bars
    scale = longest / max(*known.values(), _UNUSED)
    table = _table("variable", "information", "rate")
    table.add_column(no_wrap=True)
    for name in sorted(known, key=lambda name: -known[name]):
        figures = (figure_text(information[name]), figure_text(rates[name]))
        bar = Text(stroke * round(scale * known[name]), style="cyan")
        style = "dim" if known[name] < _UNUSED else ""
        table.add_row(Text(name), *figures, bar, style=style)
    return table


def _groups(width: int, information: Figures, by_factor: Mapping[str, Figures]) -> Iterator[Table]:
    """Yield a table with a row per group, or several where the factors do not fit side by side."""
    rows = {group: {"image": value, **by_factor[group]} for group, value in information.items()}
    columns = dict.fromkeys(name for row in rows.values() for name in row)
    for names in _packed(columns, width - _MARGIN - _widest("group", rows)):
        table = _table("group", *names)
        for group, row in rows.items():
            table.add_row(Text(group), *(figure_text(row[name]) for name in names))
        yield table


def _packed(names: Iterable[str], free: int) -> list[list[str]]:
    """Return the names in lists whose columns fit ``free`` cells."""
    packed: list[list[str]] = [[]]
    left = free
    for name in names:
        needed = max(len(name), _FIGURE_WIDTH) + _GAP
        if needed > left and packed[-1]:
            packed.append([])
            left = free
        packed[-1].append(name)
        left -= needed
    return packed


def _widest(header: str, names: Iterable[str]) -> int:
    return max(len(name) for name in [header, *names])


def _table(first: str, *others: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column(Text(first), no_wrap=True)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table
