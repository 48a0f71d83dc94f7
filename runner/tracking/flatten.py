"""Nested numbers by names with slashes, as trackers have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, leaf) of a nested mapping; the keys of a path are joined by "/"."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(cast("Mapping[str, Any]", value), f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value
