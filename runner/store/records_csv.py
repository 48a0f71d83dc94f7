"""``metrics.csv``: the records of ``metrics.jsonl`` as a table, for spreadsheets and data frames.

A row a record, a column a name, in the order in which names first occur; a number that a record
lacks, or that was not finite, is an empty cell. The table follows from the records, so it is
written anew from them whenever it could differ: when a name occurs for the first time, and when a
run goes on.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

from runner.store.confined import open_to_append, write_atomically
from runner.store.records import Record


def rewrite(path: Path, records: Callable[[], Iterable[Record]], within: Path) -> list[str]:
    """Replace the table by one of some records, and return its columns.

    ``records`` is called twice, since the header names what only later records have; they are
    never in memory together. Without a record the table is empty, and has no header.

    Raises: UsageError and DataError as :mod:`runner.store.confined`, and what ``records`` raises.
    """
    columns = list(dict.fromkeys(name for record in records() for name in record))
    header = [_line(columns)] if columns else []

    def lines() -> Iterator[bytes]:
        yield from header
        yield from (_row(columns, record) for record in records())

    write_atomically(path, lines(), within)
    return columns


def append(
    path: Path, columns: Sequence[str], record: Mapping[str, float | None], within: Path
) -> None:
    """Add a record, whose names are among the columns, by one write of a whole row.

    Raises: UsageError and DataError as :mod:`runner.store.confined`.
    """
    with open_to_append(path, within) as file:
        file.write(_row(columns, record))


def _row(columns: Sequence[str], record: Mapping[str, float | None]) -> bytes:
    values = (record.get(name) for name in columns)
    return _line(["" if v is None or not math.isfinite(v) else v for v in values])


def _line(cells: Sequence[object]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
