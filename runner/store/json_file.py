"""JSON files: every one is read with a schema, and written atomically.

A schema is a ``msgspec.Struct`` that names the parts of a file that are used. Others may be there,
since older and newer versions write other ones. Numbers that JSON does not have (NaN, infinity)
are written as null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from runner.errors import DataError
from runner.store.confined import read, write_atomically

MOST_BYTES = 256 << 20
"""The largest JSON file that is read; the comparison of thousands of runs has some megabytes."""

_DEEPEST = 64
"""Levels of objects and lists; no file of ours has more than ten."""


def read_json(
    path: Path,
    schema: type[msgspec.Struct] | None = None,
    *,
    within: Path | None = None,
    hint: str | None = None,
) -> dict[str, Any]:
    """Return the object of a JSON file, empty where there is no file.

    Args:
        path: the file.
        schema: what its parts must be; None takes any object.
        within: the folder that no link may leave; by default the one that holds the file.
        hint: the remedy when the file is corrupt.

    Raises:
        DataError: the file is corrupt, no regular file, or too large; the message says where.
        UsageError: a link leads out of the folder.
    """
    content = read(path, within or path.parent, MOST_BYTES)
    return {} if content is None else parse(content, schema, f"'{path}'", hint)


def parse(
    content: bytes,
    schema: type[msgspec.Struct] | None,
    name: str,
    hint: str | None = None,
) -> dict[str, Any]:
    """Return the object of a JSON text, all of it, checked against a schema.

    ``name`` is what messages call the text, such as a quoted path.

    Raises: DataError when the text is not such an object.
    """
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
        if schema is not None:
            msgspec.convert(found, schema)
    except RecursionError:
        raise DataError(f"{name} is corrupt: it is nested too deeply", hint) from None
    except UnicodeDecodeError:
        raise DataError(f"{name} is corrupt: it is not text in UTF-8", hint) from None
    except msgspec.MsgspecError as error:
        raise DataError(f"{name} is corrupt: {_reason(str(error))}", hint) from None
    if _depth_exceeds(found, _DEEPEST):
        raise DataError(f"{name} is corrupt: it is nested too deeply", hint)
    return found


def write_json(path: Path, content: Mapping[str, Any], within: Path | None = None) -> None:
    """Replace a JSON file; a number that is not finite becomes null.

    ``within`` is the folder that no link may leave, by default the one that holds the file.
    """
    text = json.dumps(standard(content), indent=2, allow_nan=False, ensure_ascii=False)
    # Half a character, from the name of a file that is no text, has no place in a text file.
    write_atomically(path, (text + "\n").encode(errors="replace"), within)


def standard(value: object) -> object:
    """Return a value that standard JSON can represent: NaN and infinity become None."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): standard(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [standard(item) for item in cast("list[object]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _reason(message: str) -> str:
    """Return what is wrong in words of the file: ``expected int, got str at $.step``."""
    text = message.replace(" - at ", " at ").replace("`", "")
    text = text.replace("JSON is malformed: ", "").replace(" | null", " or null")
    text = text.replace("Input data was truncated", "it ends too early")
    return text[:1].lower() + text[1:]


def _depth_exceeds(value: object, most: int) -> bool:
    """Return whether a tree has more than ``most`` levels, without recursion."""
    level: list[object] = [value]
    for _ in range(most):
        level = [item for node in level for item in _children(node)]
        if not level:
            return False
    return True


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(cast("dict[object, object]", node).values())
    return list(cast("list[object]", node)) if isinstance(node, list) else []
