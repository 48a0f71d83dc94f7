"""Values as messages quote them: as the command line and YAML write them, and not too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, cast

_SHOWN = 60
"""Characters of a value that a message quotes."""

_DEPTH = 6
"""Brackets within brackets that a message quotes."""


def shown(value: object) -> str:
    """Return a value as a message quotes it: as the command line writes it, and not too long."""
    text = _written(value, 0)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _written(value: object, depth: int) -> str:
    if hasattr(value, "as_mapping"):
        value = cast("Any", value).as_mapping()  # a schedule
    elif is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, (Mapping, list, tuple)):
        return _written_together(cast("Any", value), depth) if depth < _DEPTH else "…"
    if isinstance(value, str):
        return f"'{value[: 2 * _SHOWN]}'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return f"a number of {int(value.bit_length() * 0.30103) + 1:,} digits"
    return str(value)


def _written_together(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> str:
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_SHOWN]
        return f"{{{', '.join(f'{k}: {_written(v, depth + 1)}' for k, v in pairs)}}}"
    return f"[{', '.join(_written(item, depth + 1) for item in value[:_SHOWN])}]"
