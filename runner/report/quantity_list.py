"""The list of ``vaerun compare --metric list``: what each metric is, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.metric.number_table import bare_table
from runner.metric.quantities import quantity

_HEAD = ("name", "title", "unit", "better")


def print_quantities(names: Iterable[str], console: Console | None = None) -> None:
    """Print a line per metric, by default on stdout: name, title, unit and better direction.

    On a terminal it is a table as wide as the terminal; elsewhere the columns are aligned by
    blanks, the name first on its line, and there is no head.
    """
    rows = [_row(name) for name in names]
    console = console or Console(highlight=False, markup=False)
    if console.is_terminal:
        console.print(_table(rows))
        return
    for line in _aligned(rows):
        console.print(Text(line), soft_wrap=True)


def _row(name: str) -> tuple[str, ...]:
    found = quantity(name)
    return name, found.title, found.unit, found.better or ""


def _table(rows: Iterable[tuple[str, ...]]) -> Table:
    table = bare_table(*_HEAD)
    for column in table.columns:
        column.no_wrap = column.header != "title"  # which alone is broken into lines
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        entries = (entry.ljust(width) for entry, width in zip(row, widths, strict=True))
        yield "  ".join(entries).rstrip()
