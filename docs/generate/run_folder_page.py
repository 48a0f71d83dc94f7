"""The reference of a run's JSON files, from the schemas that read them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from docstrings import as_page
from json_keys import MEANINGS
from tables import cell, code, table

_INTRODUCTION = """\
# Keys of the JSON files

Made from `runner/store/run_schemas.py`, with which the files of a [run folder](../run_folder.md)
are read, when this site was built. A key that is missing or null was not known when the file was
written. Files of other versions may have other keys, which are ignored.
"""

_SHOWN = ("Status", "Summary", "Scores", "ScoreEntry", "Commit", "CheckpointState",
          "CheckpointFile")  # fmt: skip


def pages(root: Path) -> dict[str, str]:
    """Return the page by its path."""
    found = structs(root)
    others = [name for name in found if name not in _SHOWN]
    lines = (line for name in (*_SHOWN, *others) for line in _of(found[name]))
    return {"reference/json_files.md": "\n".join([_INTRODUCTION, *lines])}


def structs(root: Path) -> dict[str, ast.ClassDef]:
    """Return the schemas by name."""
    source = (root / "runner" / "store" / "run_schemas.py").read_text()
    return {n.name: n for n in ast.parse(source).body if isinstance(n, ast.ClassDef)}


def fields(struct: ast.ClassDef) -> list[tuple[str, str, str]]:
    """Return (name, type, meaning) of each field, empty where nobody says what it means."""
    found: list[tuple[str, str, str]] = []
    known = MEANINGS.get(struct.name, {})
    for statement, after in zip(struct.body, [*struct.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            found.append((name, _type(statement.annotation), _text(after) or known.get(name, "")))
    return found


def _of(struct: ast.ClassDef) -> Iterator[str]:
    yield from (f"## {struct.name}", "", as_page(ast.get_docstring(struct) or ""), "")
    rows = ((code(n), code(t), cell(as_page(meaning).strip())) for n, t, meaning in fields(struct))
    yield from table(("key", "type", "meaning"), rows)


def _text(statement: ast.stmt | None) -> str:
    """Return the string that a statement is, as a docstring below a field."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return str(statement.value.value)
    return ""


def _type(annotation: ast.expr) -> str:
    """Return a type in words of JSON, without the limits that it is read with."""
    text = ast.unparse(annotation).removesuffix(" | None")
    text = re.sub(r"Annotated\[(\w+),.*\]", r"\1", text)
    words = {"str": "text", "int": "whole number", "float": "number", "Step": "whole number",
             "Count": "whole number", "Seconds": "number", "Side": "whole number",
             "bool": "true or false", "Any": "anything"}  # fmt: skip
    return re.sub(r"\w+", lambda word: words.get(word[0], word[0]), text).replace("dict", "object")
