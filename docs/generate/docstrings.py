"""Docstrings as the site shows them: Google's sections, and the labels that this project adds.

``Raises: UsageError when …`` on one line becomes a section of Google's form; any other label of
one line (``Range: 0 to 1.``) becomes a paragraph that begins with it in bold. Used by mkdocstrings
as an extension of Griffe, and by the page of the scores.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import griffe

_SECTIONS = ("Args:", "Raises:", "Returns:", "Yields:")
"""The sections of several lines that Griffe reads itself."""

_LABEL = re.compile(
    r"(Args|Raises|Keys(?:, [a-z ]+)?|Range|Units|Discrete variables|Degenerate input|Estimator"
    r"|Shapes|Source):(?: +(.*))?$"
)
_ROLE = re.compile(r":(?:func|class|data|meth|attr|mod):`~?([^`]+)`")
_ENTRY = re.compile(r"(\S.*?): +(.*)")
_ERROR = re.compile(r"(?:^|; )([A-Z]\w+(?:Error|Run|Exception|Interrupt))\b[.,:]? *")


def to_markdown(docstring: str) -> str:
    """Return a docstring as Markdown that Griffe reads as one of Google's style."""
    lines = inspect.cleandoc(_ROLE.sub(r"``\1``", docstring)).splitlines()
    return "\n".join(_escaped(line) for line in _rewritten(lines)).strip() + "\n"


def as_page(docstring: str) -> str:
    """Return a docstring as Markdown for a page, errors being a paragraph as other labels are."""
    text = _ROLE.sub(r"``\1``", docstring)
    lines = inspect.cleandoc(text).splitlines()
    return "\n".join(_escaped(line) for line in _rewritten(lines, errors=False)).strip() + "\n"


def _rewritten(lines: list[str], *, errors: bool = True) -> Iterator[str]:
    at = 0
    while at < len(lines):
        found = _LABEL.match(lines[at])
        if found is None or (errors and lines[at] in _SECTIONS):
            yield lines[at]
            at += 1
            continue
        end = at + 1
        while end < len(lines) and _goes_on(lines[end], entries=found[2] is None):
            end += 1
        yield from ("", *_labelled(found[1], found[2], lines[at + 1 : end], errors=errors), "")
        at = end


def _goes_on(line: str, *, entries: bool) -> bool:
    """Return whether a line belongs to the label above it: its entries are indented."""
    return line.startswith(" ") if entries else bool(line) and _LABEL.match(line) is None


def _labelled(label: str, first: str | None, rest: list[str], *, errors: bool) -> list[str]:
    """Return the lines of a label: its text, or the entries below it."""
    if first is None:
        return [f"**{label}:**", "", *_entries(rest)]
    text = " ".join([first, *(line.strip() for line in rest)])
    if label != "Raises" or not errors:
        return [f"**{label}:** {text}"]
    parts = _ERROR.split(text)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    found = [f"    {name}: {meaning}" for name, meaning in pairs]
    return ["Raises:", *found] if found and not parts[0] else [f"**Raises:** {text}"]


def _entries(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a list from ``name: meaning`` entries, which may be several lines long."""
    entry = ""
    for line in inspect.cleandoc("\n".join(lines)).splitlines():
        if line.startswith(" "):
            entry += " " + line.strip()
            continue
        if entry:
            yield _item(entry)
        entry = line
    if entry:
        yield _item(entry)


def _item(entry: str) -> str:
    found = _ENTRY.match(entry)
    return f"- `{found[1]}`: {found[2]}" if found else f"- {entry}"


def _escaped(line: str) -> str:
    """Return a line with ``<factor>`` as text and not as a tag, but for what is code."""
    if line.startswith("    "):
        return line
    pieces = re.split(r"(`+[^`]+`+)", line)
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "".join(pieces)


class Labels(griffe.Extension):
    """Rewrites every docstring before it is read."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)
