"""Values as text: as YAML and Python write them, in Hydra's grammar of overrides.

W&B's agent starts a run with ``key=VALUE`` for each parameter of a sweep file, where VALUE is what
Python's ``str()`` makes of it: ``None``, ``1e-05``, ``[1, 2]``, ``{'a': 1}``, a string without
quotes. So that a sweep file means the same with and without W&B, a value is read from that text by
both: a string that reads as a number, ``1e-3`` for example, which is a string in YAML, is one.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from runner.config.schema import GROUPS
from runner.errors import UsageError

AGENT = "WANDB_SWEEP_ID"
"""The environment variable that W&B's agent sets for the runs that it starts."""

_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
"""Numbers that are strings in YAML 1.1 unless they have a point and a sign: 1e-3, 2E5."""

_WORDS = {"None": "null", "True": "true", "False": "false"}

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_SPECIAL = re.compile(r"([\\()\[\]{}:=, \t])")
_KEY = re.compile(r"[\w/\-\\+.$%*@?|()\[\]{}:=, \t]+", re.ASCII)

_LONGEST = 100_000
"""Characters of the longest text that is parsed as a list or a mapping."""


def written(value: object) -> str:
    """Return a value of a YAML file in Hydra's grammar; strings inside of it keep their type.

    Raises: ValueError for what no setting can be, such as bytes or a set.
    """
    if isinstance(value, str):
        return from_text(value)
    if value is None or isinstance(value, (bool, int, float, list, tuple, dict)):
        return _written(cast("object", value))
    if isinstance(value, (bytes, set)):
        kind = "a set" if isinstance(value, set) else "binary data"
        raise ValueError(f"a setting cannot be {kind}")  # noqa: TRY004 - it comes from a file
    return from_text(str(value))  # dates and times


def from_text(text: str) -> str:
    """Return a value that ``str()`` wrote, in Hydra's grammar.

    What Hydra reads as several values, or not at all, is a string.
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        structured = _python(text)
    except ValueError:
        return text if _is_one_value(text) else _quoted(text)
    return _written(structured)


def of_command_line(overrides: Iterable[str], *, one_run: bool) -> list[str]:
    """Return the overrides of a command line, with values that Python wrote in Hydra's grammar.

    Of a run that W&B's agent has started, each value is read as :func:`from_text` does; else only
    what Hydra would read otherwise than meant, such as ``None``, or not at all.

    Raises: UsageError for a mapping with a key that a setting cannot have.
    """
    by_agent = one_run and bool(os.environ.get(AGENT))
    try:
        return [each for override in overrides for each in _read(override, by_agent=by_agent)]
    except ValueError as error:
        raise UsageError(f"cannot read a setting: {error}") from error


def _read(override: str, *, by_agent: bool) -> Iterator[str]:
    key, equals, text = override.partition("=")
    if not equals or key.startswith("hydra."):
        yield override
        return
    mapping = _mapping(text) if key in GROUPS else None
    if mapping is not None:  # parameters that are nested in the sweep file
        for name, value in _leaves(mapping, f"{key}."):
            yield f"{name}={_written(value)}"
    elif by_agent or text == "None" or _is_python_alone(text):
        yield f"{key}={from_text(text)}"
    else:
        yield override


def _mapping(text: str) -> Mapping[str, object] | None:
    try:
        found = _python(text)
    except ValueError:
        return None
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else None


def _leaves(tree: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(cast("Mapping[str, object]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_python_alone(text: str) -> bool:
    """Whether a text is a list or a mapping for Python, and nothing for Hydra."""
    try:
        _python(text)
    except ValueError:
        return False
    return _parsed(text) is None


def _python(text: str) -> object:
    """Return the list or mapping that a text is in Python's notation.

    Raises: ValueError when it is none.
    """
    if text[:1] not in ("[", "{", "(") or len(text) > _LONGEST:
        raise ValueError("neither a list nor a mapping")
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("neither a list nor a mapping") from error


def _value(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Name(id="inf" | "nan" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.List(elts=entries) | ast.Tuple(elts=entries):
            return [_value(entry) for entry in entries]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            names = [_value(cast("ast.expr", key)) for key in keys]
            return dict(zip(names, map(_value, values), strict=True))
        case _:
            raise ValueError("neither a list nor a mapping")


def _number(node: ast.expr) -> float:
    value = _value(node)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")  # noqa: TRY004 - it is the text that is no value
    return value


def _written(value: object) -> str:
    """Return a value that is part of a structure, or no string."""
    if value is None or isinstance(value, (bool, int, float)):
        return _WORDS.get(str(value), str(value))
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_written, cast('list[object]', value)))}]"
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        return f"{{{','.join(f'{_key(key)}:{_written(entry)}' for key, entry in entries)}}}"
    if isinstance(value, (bytes, set)):
        return written(cast("object", value))
    text = str(value)
    if _EXPONENT.fullmatch(text):
        return text
    plain = _PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null", "nan", "inf"}
    return text if plain else _quoted(text)


def _key(key: object) -> str:
    text = _written(key) if key is None or isinstance(key, bool) else str(key)
    if not _KEY.fullmatch(text) or text == "_target_":
        raise ValueError(f"a mapping in a setting cannot have the key {text!r}")
    return _SPECIAL.sub(r"\\\1", text)


def _quoted(text: str) -> str:
    # Hydra takes a backslash as such, except in front of a quote or at the end.
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + m[2].replace("'", "\\'"), text) + "'"


def _is_one_value(text: str) -> bool:
    """Whether Hydra reads a text as one value, and not as a string that needs quotes."""
    if _PLAIN.fullmatch(text):
        return True
    parsed = _parsed(text)
    return parsed is not None and not isinstance(parsed.value(), str)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:  # noqa: ANN401 - Hydra's override
    """Return what Hydra reads as ``key=TEXT``, or None where that is several values, or nothing."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    if len(text) > _LONGEST:
        return None
    try:
        parsed = OverridesParser.create().parse_override(f"key={text}")
        several = parsed.is_sweep_override()
        parsed.value()
    except (HydraException, RecursionError, ValueError):
        return None
    return None if several else parsed
