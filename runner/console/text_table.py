"""A table of words and numbers, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.store.shown_text import escaped

_DECIMALS = 2


def print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str | float]]
) -> None:
    """Print rows below the names of their columns; a cell that is too wide has several lines."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, column in enumerate(columns):
        is_number = bool(rows) and isinstance(rows[0][place], float)
        justify = "right" if is_number else "left"
        table.add_column(column, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(cell)) for cell in row))
    console.print(Text(f"  {title}", style="bold"), soft_wrap=True, highlight=False)
    console.print(Padding(table, (0, 0, 1, 2), expand=False), highlight=False)


def _text(cell: str | float) -> str:
    return escaped(cell) if isinstance(cell, str) else f"{cell:.{_DECIMALS}f}"
