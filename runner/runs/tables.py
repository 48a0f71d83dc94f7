"""The tables of text of a run: in its folder, on the terminal, and where it is tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.console.text_table import print_table
from runner.report.csv_text import csv_text
from runner.runs.load import LoadedRun
from runner.tracking.trackers import Trackers

if TYPE_CHECKING:
    from runner.figures.of_run import RunFigures


def write_tables(run: LoadedRun, drawn: RunFigures, trackers: Trackers) -> None:
    """Write each table of a run as ``tables/NAME.csv``, track it, and print its first rows."""
    for table in drawn.tables:
        rows = [[_rounded(cell) for cell in row] for row in table.rows]
        run.folder.write_table(table.name, csv_text(table.columns, rows))
        trackers.keep_table(table.name, table.columns, rows)
        more = len(table.rows) - table.shown
        title = f"{table.title}: the first {table.shown}" if more > 0 else table.title
        print_table(run.console, title, table.columns, table.rows[: table.shown])


def _rounded(cell: str | float) -> str | float:
    """Return a number with the digits that a reader can use."""
    return cell if isinstance(cell, str) else float(f"{cell:.6g}")
