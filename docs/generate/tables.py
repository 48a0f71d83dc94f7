"""Markdown tables and code spans, for the pages that are made from the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, and an empty one; nothing where there is no row."""
    lines = [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    if lines:
        yield f"| {' | '.join(titles)} |"
        yield f"| {' | '.join(['---'] * len(titles))} |"
        yield from lines
        yield ""


def cell(text: str) -> str:
    """Return a text that a cell can hold."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """Return a code span, or nothing for an empty text."""
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """Return a text in which nothing is taken for a tag, a link or emphasis."""
    for character in "\\`*_[":
        text = text.replace(character, f"\\{character}")
    return text.replace("<", "&lt;")
