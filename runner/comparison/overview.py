"""Runs as a list of them shows each: what it is, how far it is, and how it stands.

A folder that cannot be read is an entry of the list, too, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import progress
from runner.comparison.runs import ComparedRun, read_run
from runner.errors import VaerunError
from runner.store.lock import is_locked
from runner.store.run_folder import RunFolder
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
    recorded: int | None = None
    """Of a run in training: the step of its last record."""

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
        """The step at which its last checkpoint was written, or that of a later record."""
        steps = [step for step in (self.status.get("step"), self.recorded) if step is not None]
        return max(steps, default=None)

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
    if run.state != "running":
        return Overview(path, run.state, run.error, run, changed)
    if is_locked(path):
        return Overview(path, run.state, run.error, run, changed, _last_record(path))
    return Overview(path, "interrupted", run.error or "its process is gone", run, changed)


def _last_record(path: Path) -> int | None:
    """Return the step of the last record of a run in training, or None where there is none."""
    with suppress(VaerunError, OSError):
        for record in RunFolder(path).read_records()[-1:]:
            return int(record["step"] or 0)
    return None


def _changed(path: Path) -> float | None:
    try:
        return (path / "status.json").lstat().st_mtime
    except OSError:
        return None
