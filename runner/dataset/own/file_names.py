"""Factors that the names of the images' files tell: the named groups of a regular expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from runner.errors import DataError

_SHOWN = 3


def named_alike(
    files: Sequence[str], pattern: str, root: Path, hint: str | None = None
) -> tuple[list[str], tuple[str, ...]]:
    """Return the files in whose paths below ``root`` a pattern is found, and a note on others.

    Raises: DataError when it is found in none; ``hint`` says what to do then.
    """
    found = [file for file in files if re.search(pattern, file)]
    if not found:
        names = ", ".join(f"'{file}'" for file in files[:_SHOWN])
        more = " …" if len(files) > _SHOWN else ""
        raise DataError(f"dataset.pattern fits no image in '{root}': {names}{more}", hint)
    fitting = set(found)
    others = [file for file in files if file not in fitting]
    if not others:
        return found, ()
    names = ", ".join(others[:_SHOWN]) + (" …" if len(others) > _SHOWN else "")
    left_out = f"{len(others):,} of {len(files):,} images have other names and are left out"
    return found, (f"{left_out}: {names}",)


def columns_for(files: Sequence[str], pattern: str) -> dict[str, list[object]]:
    """Return, for each named group of a pattern, what it matches in each file's path."""
    matches = [re.search(pattern, file) for file in files]
    return {
        name: [match[name] if match else None for match in matches]
        for name in re.compile(pattern).groupindex
    }
