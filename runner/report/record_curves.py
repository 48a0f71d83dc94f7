"""How the records of a run went: each quantity at its first and last record, and a small curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.metric.number_table import bare_table
from runner.metric.number_text import number_text
from runner.metric.quantities import quantity, shown_in
from runner.store.records import Record

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 24
"""Characters of a curve."""

_ALSO = "validation/"


def curves_table(records: Sequence[Record], *, ascii_only: bool) -> Table:
    """Return a row for the loss, each term and each validation figure of the records."""
    first, last = records[0], records[-1]
    table = bare_table()
    table.add_column("record", no_wrap=True)
    for record in (first, last):
        table.add_column(f"step {record.get('step') or 0:,}", justify="right", no_wrap=True)
    table.add_column("" if ascii_only else "course", no_wrap=True)
    for name in _names(last):
        values = [record.get(name) for record in records]
        table.add_row(
            Text(quantity(name).title),
            number_text(first.get(name), 3, group=","),
            number_text(last.get(name), 3, group=","),
            "" if ascii_only else Text(curve(values), "cyan"),
        )
    return table


def records_json(records: Sequence[Record]) -> dict[str, Any]:
    """Return the first and the last record."""
    return {"first": records[0], "last": records[-1]} if records else {"first": None, "last": None}


def curve(values: Sequence[float | None], width: int = _WIDTH) -> str:
    """Return a row of small bars, from the lowest value to the highest; a gap is a space."""
    parts = list(_means(values, width))
    known = [part for part in parts if part is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if part is None else _BARS[round((part - low) * scale)] for part in parts)


def _means(values: Sequence[float | None], width: int) -> Iterator[float | None]:
    """Yield the mean of each of ``width`` parts, or all values where they are fewer."""
    count = min(width, len(values))
    for place in range(count):
        part = values[place * len(values) // count : (place + 1) * len(values) // count]
        known = [value for value in part if value is not None]
        yield sum(known) / len(known) if known else None


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    shown = [each.name for each in shown_in("live") if each.name in record]
    yield from (name for name in shown if not name.startswith(_ALSO))
    yield from (name for name in record if name.startswith(_ALSO))
