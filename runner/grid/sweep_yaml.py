"""The YAML of a sweep file, read without surprises.

Refused are keys that occur twice, of which YAML takes the last; aliases that contain themselves or
multiply to more than any sweep holds; and files that are not files, which may never end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from runner.errors import DataError, UsageError
from runner.files import open_to_read

_MOST_BYTES = 2**20
_MOST_VALUES = 100_000
"""Values of a file, those of an alias counted wherever it stands."""


def load(path: Path) -> dict[str, Any]:
    """Return the mapping of a sweep file.

    Raises: UsageError when the file cannot be read, or is not one mapping.
    """
    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise UsageError(f"{path} is not a sweep file: it has no parameters")
        _count(path, node, {})
        return cast("dict[str, Any]", loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = _printable(error.problem or str(error))
        raise UsageError(f"{path} is not YAML: {what}{where}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {_printable(str(error))}") from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply") from error
    except (ValueError, TypeError, OverflowError) as error:  # a date or number that there is not
        reason = _printable(str(error)).partition(";")[0]
        raise UsageError(f"{path}: cannot read a value: {reason}") from error


def _text(path: Path) -> str:
    try:
        with open_to_read(path) as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsageError(f"{path} is not a sweep file: it is larger than 1 MiB")
        return content.decode("utf-8")
    except DataError as error:
        raise UsageError(error.message) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not YAML: it is not text in UTF-8") from error
    except ValueError as error:
        raise UsageError(f"cannot read {str(path)!r}: that is no path") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _count(path: Path, node: yaml.Node, counted: dict[int, int | None]) -> int:
    """Return how many values a node holds, with all that its aliases repeat.

    Raises: UsageError for a key that occurs twice, an alias within itself, or too many values.
    """
    if id(node) in counted:
        known = counted[id(node)]
        if known is None:
            raise UsageError(f"{path}: {_line(node)} contains itself, by an alias")
        return known
    counted[id(node)] = None
    total = 1 + sum(_count(path, child, counted) for child in _children(path, node))
    if total > _MOST_VALUES:
        raise UsageError(f"{path}: {_line(node)} holds more than {_MOST_VALUES:,} values")
    counted[id(node)] = total
    return total


def _children(path: Path, node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return node.value
    if not isinstance(node, yaml.MappingNode):
        return []
    seen = set[str]()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name in seen and name:
            raise UsageError(f"{path}: {_line(key)} has the key {name!r} a second time")
        seen.add(name)
    return [child for pair in node.value for child in pair]


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _printable(text: str) -> str:
    """Return the first line of a text, without what a terminal would take for commands."""
    line = text.partition("\n")[0]
    return line if line.isprintable() else ascii(line)[1:-1]
