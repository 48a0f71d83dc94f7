"""Finding run folders in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runner.store.run_folder import RunFolder


def runs_beneath(path: Path) -> list[Path]:
    """Return the path itself if it is a run folder, else all runs in it, in natural order.

    In natural order 10 comes after 9.

    Raises: UsageError where there is none.
    """
    found = all_runs(path)
    if not found:
        RunFolder.open(path)  # raises, and says why it is not a run
    return found


def all_runs(path: Path) -> list[Path]:
    """Return what :func:`runs_beneath` does, and nothing where there is no run."""
    return sorted(_found(path), key=lambda run: [_by_number(part) for part in run.parts])


def _found(path: Path) -> Iterator[Path]:
    """Yield run folders in any order; folders within a run folder are not searched."""
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
