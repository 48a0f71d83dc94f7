"""Which run folders a folder holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runner.store.run_folder import RunFolder


def runs_beneath(path: Path) -> list[Path]:
    """Return a run folder itself, or all runs in a folder of runs, in natural order: 10 after 9.

    Raises: UsageError where there is none.
    """
    found = sorted(_found(path), key=lambda run: [_by_number(part) for part in run.parts])
    if not found:
        RunFolder.open(path)  # which says what is wrong with it
    return found


def _found(path: Path) -> Iterator[Path]:
    """Yield run folders as they come; what a run folder holds is not searched."""
    if (path / "config.yaml").is_file():
        yield path
        return
    for parent, folders, files in os.walk(path, followlinks=False):
        if "config.yaml" in files and "status.json" in files:
            yield Path(parent)
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]


def _by_number(part: str) -> tuple[int, str]:
    """Return a key that sorts 10 after 9."""
    return (int(part), "") if part.isdecimal() else (-1, part)
