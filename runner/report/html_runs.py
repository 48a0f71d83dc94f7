"""Every run on a comparison's page: a table without scripts, and rows for the script."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.comparison.configurations import Comparison
from runner.comparison.runs import ComparedRun
from runner.report.html_metrics import ABSENT, Entry, decimals_by_metric, fixed, label


@dataclass(frozen=True)
class RunRow:
    """A run: its path in the common folder, and its metrics."""

    path: str
    seed: int
    numbers: list[Entry]


@dataclass(frozen=True)
class RunGroup:
    """The runs of a configuration."""

    label: str
    runs: list[RunRow]


@dataclass(frozen=True)
class RunTable:
    """The runs by configuration."""

    width: int
    """Columns that the path of a run spans: those of the settings."""
    groups: list[RunGroup]


def every_run(comparison: Comparison) -> RunTable:
    """Return all runs by configuration; the script takes the rows that it opens from here."""
    folder = common_folder(comparison.runs)
    decimals = decimals_by_metric(comparison)

    def row(run: ComparedRun) -> RunRow:
        path = run.path.as_posix()
        numbers = [_entry(run, metric, places) for metric, places in decimals.items()]
        return RunRow(path.removeprefix(f"{folder}/") if folder else path, run.seed, numbers)

    groups = [RunGroup(label(each), [row(run) for run in each.runs])
              for each in comparison.configurations]  # fmt: skip
    return RunTable(len(comparison.by) or 1, groups)


def common_folder(runs: Sequence[ComparedRun]) -> str:
    """Return the deepest folder that all runs lie in, empty where they share none."""
    try:
        common = os.path.commonpath([run.path.parent for run in runs])
    except ValueError:  # some paths are absolute and others are not, or there is no run
        return ""
    return "" if Path(common) in {Path(), Path("/")} else Path(common).as_posix()


def _entry(run: ComparedRun, metric: str, decimals: int) -> Entry:
    """Return a figure and its standard error, where it has one."""
    value, error = run.metrics.get(metric), run.errors.get(metric)
    if value is None:
        return ABSENT
    deviation = "" if error is None else fixed(error, decimals)
    return Entry(fixed(value, decimals), "number", deviation=deviation)
