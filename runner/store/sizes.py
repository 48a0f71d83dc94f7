"""Bytes on disk of a folder; links are never followed, and count nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of each entry of a folder by its name, largest first.

    What cannot be read counts nothing.
    """
    found = {name: sum(_files(folder / name)) for name in _names(folder)}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def size_text(count: int) -> str:
    """Return a number of bytes as a person says it: 812 B, 3.4 kB, 120 MB."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:.0f} {unit}"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir())
    except OSError:
        return []


def _files(path: Path) -> Iterator[int]:
    """Yield the bytes of every file at or beneath a path, without recursion."""
    waiting = [path]
    while waiting:
        with suppress(OSError):
            here = waiting.pop()
            status = here.lstat()
            if stat.S_ISREG(status.st_mode):
                yield status.st_size
            elif stat.S_ISDIR(status.st_mode):
                waiting += [here / name for name in _names(here)]
