"""The final numbers of a run as tables, for a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.metric.number_table import number_table
from runner.metric.number_text import decimal_text
from runner.metric.quantities import quantity, shown_in

_GAP = 3
"""Characters between two columns."""
_MARGIN = 2
_NUMBER_WIDTH = len("-99.999")
_BAR_WIDTH = 16
_MOST_ROWS = 50
"""Variables or groups of a table; ``summary.json`` has all of them."""
_UNUSED = 0.01
"""Nats below which a variable is shown as unused."""

Numbers = Mapping[str, float | None]


def summary_tables(
    summary: Mapping[str, Any], *, width: int, ascii_only: bool
) -> Iterator[tuple[str, Table]]:
    """Yield (title, table) of the content of ``summary.json``; the title may be empty.

    All numbers but the scores are in nats.
    """
    images, encodings = f"{summary['images']:,}", f"{summary['encodings']:,}"
    yield f"{images} images, q(z) from {encodings} encodings; all in nats", _terms(summary)
    known = summary["information"]
    if known["variable"]:
        free = width - _MARGIN - _widest("variable", known["variable"])
        free -= len("information") + _NUMBER_WIDTH + 3 * _GAP
        bars = ("#" if ascii_only else "━", min(_BAR_WIDTH, max(0, free)))
        title = f"I(x; z) of each variable, and its rate{_cut(known['variable'])}"
        yield title, _variables(known["variable"], known["rate"], bars)
    if known["group"]:
        title = f"I(x; z) and I(factor; z) of each group{_cut(known['group'])}"
        shown = dict(islice(known["group"].items(), _MOST_ROWS))
        for table in _groups(width, shown, known["factor"]):
            yield title, table
            title = ""
    if summary["scores"]:
        scores = number_table("score", "value")
        for name, value in summary["scores"].items():
            scores.add_row(Text(quantity(f"scores/{name}").short), decimal_text(value))
        yield "", scores


def _cut(rows: Numbers) -> str:
    """Return how many rows a table shows, if not all."""
    return f": {_MOST_ROWS} of {len(rows):,}" if len(rows) > _MOST_ROWS else ""


def _terms(summary: Mapping[str, Any]) -> Table:
    values = {**summary, **{f"terms/{name}": value for name, value in summary["terms"].items()}}
    table = number_table("quantity", "nats")
    for each in shown_in("summary"):
        if each.name in values:  # of the terms a deterministic code has the reconstruction alone
            style = "bold" if each.name == "elbo" else ""
            table.add_row(each.title, decimal_text(values[each.name]), style=style)
    return table


def _variables(information: Numbers, rates: Numbers, bars: tuple[str, int]) -> Table:
    """Return a row per variable with a bar; ``bars`` is (a character, length of the longest)."""
    known = {
        name: value if value is not None and math.isfinite(value) else 0.0
        for name, value in information.items()
    }
    character, longest = bars
    scale = longest / max(*known.values(), _UNUSED)
    table = number_table("variable", "information", "rate")
    table.add_column(no_wrap=True)
    for name in sorted(known, key=lambda name: -known[name])[:_MOST_ROWS]:
        numbers = (decimal_text(information[name]), decimal_text(rates[name]))
        bar = Text(character * round(scale * known[name]), style="cyan")
        style = "dim" if known[name] < _UNUSED else ""
        table.add_row(Text(name), *numbers, bar, style=style)
    return table


def _groups(width: int, information: Numbers, by_factor: Mapping[str, Numbers]) -> Iterator[Table]:
    """Yield a table with a row per group, or several if the columns of all factors do not fit."""
    rows = {group: {"image": value, **by_factor[group]} for group, value in information.items()}
    columns = dict.fromkeys(name for row in rows.values() for name in row)
    for names in _packed(columns, width - _MARGIN - _widest("group", rows)):
        table = number_table("group", *names)
        for group, row in rows.items():
            table.add_row(Text(group), *(decimal_text(row[name]) for name in names))
        yield table


def _packed(names: Iterable[str], free: int) -> list[list[str]]:
    """Return the names in lists, each of whose columns fit into ``free`` characters."""
    packed: list[list[str]] = [[]]
    left = free
    for name in names:
        needed = max(len(name), _NUMBER_WIDTH) + _GAP
        if needed > left and packed[-1]:
            packed.append([])
            left = free
        packed[-1].append(name)
        left -= needed
    return packed


def _widest(header: str, names: Iterable[str]) -> int:
    return max(len(name) for name in [header, *names])
