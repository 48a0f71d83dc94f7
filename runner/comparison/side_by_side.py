"""Two or more runs side by side: what differs between them, by setting and by figure.

Unlike a comparison of configurations, it takes runs of any state and leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.comparison.chosen_settings import differing
from runner.comparison.overview import Overview
from runner.comparison.runs import ComparedRun

_CHOICES = ("objective.name", "dataset.name")

ABSENT = object()
"""The value of what a run does not have."""


@dataclass(frozen=True)
class Row:
    """Something that runs have, with the value of each, or ``ABSENT``."""

    name: str
    values: tuple[Any, ...]
    is_detail: bool = False
    """Whether it only follows from something else that differs, or changes nothing in a model."""

    @property
    def differs(self) -> bool:
        """Whether the runs have different values."""
        first = self.values[0]
        return any(_kind(value) != _kind(first) or value != first for value in self.values)


def setting_rows(runs: Sequence[ComparedRun]) -> list[Row]:
    """Return the settings in which the runs differ, the choices and what was set by hand first."""
    main = dict.fromkeys([*_CHOICES, *(key for each in differing(runs) for key in each)])
    every = dict.fromkeys([*main, *(key for run in runs for key in run.settings)])
    rows = [
        Row(key, tuple(run.settings.get(key, ABSENT) for run in runs), key not in main)
        for key in every
    ]
    return [row for row in rows if row.differs]


def origin_rows(runs: Sequence[Overview]) -> list[Row]:
    """Return the state of each run, and what it was made by and on where that differs."""
    rows = [_of(runs, "state", lambda run: run.state)]
    rows += [_of(runs, key, lambda run, key=key: run.status.get(key)) for key in ("step", "steps")]
    rows += [
        _of(runs, key, lambda run, key=key: run.status.get(key))
        for key in ("seconds", "host", "device", "git_revision", "error")
    ]
    versions = dict.fromkeys(name for run in runs for name in _versions(run))
    rows += [_of(runs, name, lambda run, name=name: _versions(run).get(name)) for name in versions]
    return [row for row in rows if row.name == "state" or row.differs]


def figure_rows(runs: Sequence[ComparedRun], main: Sequence[str]) -> list[Row]:
    """Return the figures that any of the runs has; ``main`` are those that are no details."""
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    return [
        Row(name, tuple(run.metrics.get(name, ABSENT) for run in runs), name not in main)
        for name in names
    ]


def _of(runs: Sequence[Overview], name: str, value: Callable[[Overview], object]) -> Row:
    found = (value(run) for run in runs)
    return Row(name, tuple(ABSENT if each is None else each for each in found))


def _versions(run: Overview) -> Mapping[str, str]:
    return run.status.get("versions") or {}


def _kind(value: object) -> object:
    # True equals 1 to Python, and not to a reader.
    return bool if isinstance(value, bool) else None
