"""Runs as a list of them shows each: what it is, how far it is, and how it stands.

A folder that cannot be read is an entry of the list, too, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import progress
from runner.comparison.runs import ComparedRun, read_run
from runner.errors import VaerunError
from runner.store.lock import is_locked
from runner.store.shown_text import escaped

CORRUPT = "corrupt"
"""The state of a run whose folder cannot be read."""

MIG = "scores/mean/mig"


@dataclass(frozen=True)
class Overview:
    """A run of a list."""

    path: Path
    state: str
    """That of its ``status.json``, but "interrupted" where its process is gone, or "corrupt"."""
    error: str | None
    run: ComparedRun | None
    """None for a folder that cannot be read."""
    changed: float | None
    """When its ``status.json`` was last written, in seconds since 1970."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings by dotted names, none of a folder that cannot be read."""
        return self.run.settings if self.run else {}

    @property
    def metrics(self) -> Mapping[str, float]:
        """The figures by name, none of a folder that cannot be read."""
        return self.run.metrics if self.run else {}

    @property
    def status(self) -> Mapping[str, Any]:
        """What its ``status.json`` says, nothing of a folder that cannot be read."""
        return self.run.status if self.run else {}

    @property
    def step(self) -> int | None:
        """The step at which its last checkpoint was written."""
        return self.status.get("step")

    @property
    def steps(self) -> int | None:
        """The steps that it is to make."""
        return self.status.get("steps")

    @property
    def age(self) -> float | None:
        """Seconds since its ``status.json`` was last written."""
        return None if self.changed is None else max(0.0, time.time() - self.changed)


def read_overviews(paths: Iterable[Path]) -> list[Overview]:
    """Return an entry for each run folder, in the order given."""
    found = list(paths)
    return [overview(path) for path in progress.counted(found, "reading", len(found))]


def overview(path: Path) -> Overview:
    """Return the entry of a run folder, which may be corrupt."""
    changed = _changed(path)
    try:
        run = read_run(path)
    except (VaerunError, OSError) as error:
        return Overview(path, CORRUPT, escaped(str(error)), None, changed)
    state, error = run.state, run.error
    if state == "running" and not is_locked(path):
        state, error = "interrupted", error or "its process is gone"
    return Overview(path, state, error, run, changed)


def _changed(path: Path) -> float | None:
    try:
        return (path / "status.json").lstat().st_mtime
    except OSError:
        return None
