"""Tables as CSV, of text that may come from anyone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from runner.store.shown_text import escaped

_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""The start of a cell that a spreadsheet takes for a formula; some begin a cell after a semicolon.

The last four signs are the first four in full width."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, with nothing in it that a spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_entry(name) for name in head])
    writer.writerows([_entry(value) for value in row] for row in rows)
    return text.getvalue()


def _entry(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | Mapping):
        value = str(list(value))
    return _inert(value) if isinstance(value, str) else value


def _inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, and no terminal for a command.

    An apostrophe marks a cell as text; a number stays one.
    """
    shown = escaped(text).replace("\t", "\\t").replace("\n", "\\n")
    return shown if _NUMBER.fullmatch(shown) else _FORMULA.sub(r"\1'", shown)
