"""Nested settings by dotted names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from runner.config.schedule import SHAPES


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of nested settings; a schedule is one value, and so is a list."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and not is_schedule(cast("Mapping[str, Any]", value)):
            yield from leaves(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def is_schedule(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is a schedule, such as ``{linear: {from: 0, to: 4, over: 100}}``."""
    return len(value) == 1 and next(iter(value)) in SHAPES
