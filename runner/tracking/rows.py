"""Tables of words and numbers, as trackers that show text can take them."""

from __future__ import annotations

import re
from collections.abc import Sequence

Row = Sequence[str | float]


def markdown(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table as Markdown, with nothing in its cells that is Markdown, too."""
    head, *body = ["| " + " | ".join(map(_cell, row)) + " |" for row in (columns, *rows)]
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def _cell(cell: str | float) -> str:
    if not isinstance(cell, str):
        return f"{cell:.6g}"
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", " ".join(cell.split()))
