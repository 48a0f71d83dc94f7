"""Tables of numbers in the terminal: a name per row, and its numbers to the right."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def bare_table(*headers: str) -> Table:
    """Return a table in the style that all of them have, without rows."""
    return Table(*headers, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")


def number_table(first: str, *others: str) -> Table:
    """Return a table without rows: a column of names, and columns of numbers."""
    table = bare_table()
    table.add_column(Text(first), no_wrap=True)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table
