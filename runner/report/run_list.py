"""A list of runs as a table in the terminal, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.comparison.names import short_names, value_text
from runner.comparison.overview import MIG, Overview
from runner.metric.number_table import bare_table
from runner.metric.number_text import number_text
from runner.report.csv_text import csv_text

Differing = Sequence[Mapping[str, Any]]
"""The settings of each run in which the listed runs differ, by dotted names."""

STYLES = {
    "finished": "green", "running": "cyan", "failed": "bold red", "diverged": "bold red",
    "corrupt": "bold red",
}  # fmt: skip
"""Colours of the states; any other is yellow."""


def list_table(
    runs: Sequence[Overview],
    differing: Differing,
    *,
    age_text: Callable[[float], str],
    width: int | None = None,
) -> Table:
    """Return a row per run.

    ``age_text`` writes a time in seconds. ``width`` is that of the terminal: what has no room is
    folded, and columns that are the same in all runs are left out before that gets too narrow.
    """
    short = short_names(dict.fromkeys(key for each in differing for key in each))
    columns = _columns(runs, age_text)
    columns["settings"] = [
        Text(_words(own, short) if run.run else run.error or "", "" if run.run else "dim")
        for run, own in zip(runs, differing, strict=True)
    ]
    room = _room(columns, width)
    table = bare_table()
    shown = [name for name in _ORDER if name in columns]
    for name in shown:
        side = "right" if name in _NUMBERS else "left"
        folds = name in _FOLDED
        most = room.get(name)
        table.add_column(name, justify=side, no_wrap=not folds, overflow="fold", width=most)
    for row in zip(*(columns[name] for name in shown), strict=True):
        table.add_row(*row)
    return table


_ORDER = ("run", "state", "objective", "dataset", "settings",
          "steps", "ELBO", "MIG", "age")  # fmt: skip
_NUMBERS = ("steps", "ELBO", "MIG", "age")
_FOLDED = ("run", "settings")
_DISPENSABLE = ("dataset", "objective", "age", "MIG")
"""Columns that are left out on a narrow terminal, the first first."""

_GAP = 3
_LEAST = 24
"""Characters that paths and settings have at least, each."""


def _columns(runs: Sequence[Overview], age_text: Callable[[float], str]) -> dict[str, list[Text]]:
    """Return the cells of each column but the settings."""
    columns = {
        "run": [Text(str(run.path)) for run in runs],
        "state": [Text(run.state, STYLES.get(run.state, "yellow")) for run in runs],
        "objective": [Text(_text(run.settings.get("objective.name"))) for run in runs],
        "dataset": [Text(_text(run.settings.get("dataset.name"))) for run in runs],
        "steps": [Text(_steps(run)) for run in runs],
        "ELBO": [_number(run, "elbo", 2) for run in runs],
        "MIG": [_number(run, MIG, 3) for run in runs],
        "age": [Text("-" if run.age is None else age_text(run.age)) for run in runs],
    }
    if not any(MIG in run.metrics for run in runs):
        del columns["MIG"]
    return columns


def _room(columns: dict[str, list[Text]], width: int | None) -> dict[str, int]:
    """Return the widths of paths and settings, after leaving out columns that have no room.

    Empty where all has room.
    """
    if width is None:
        return {}
    path, settings = (_longest(name, columns) for name in _FOLDED)
    free = _free(columns, width)
    if path + settings <= free:
        return {}
    for name in _DISPENSABLE:
        if free >= 2 * _LEAST:
            break
        if name in columns and (name in _NUMBERS or len({c.plain for c in columns[name]}) == 1):
            del columns[name]
            free = _free(columns, width)
    kept = min(path, max(free - settings, free - _LEAST, _LEAST))
    return {"run": kept, "settings": max(free - kept, 1)}


def _free(columns: Mapping[str, Sequence[Text]], width: int) -> int:
    """Return the characters that are left for paths and settings."""
    others = [name for name in columns if name not in _FOLDED]
    return width - sum(_longest(name, columns) for name in others) - _GAP * (len(columns) - 1)


def _longest(name: str, columns: Mapping[str, Sequence[Text]]) -> int:
    return max(len(name), *(len(cell) for cell in columns[name]), 0)


def list_csv(runs: Sequence[Overview], differing: Differing) -> str:
    """Return a row per run, with a column for each setting in which they differ."""
    keys = list(dict.fromkeys(key for each in differing for key in each))
    head = ["run", "state", "error", "objective", "dataset", *keys]
    head += ["step", "steps", "elbo", MIG, "changed"]
    rows = [
        [
            run.path.as_posix(), run.state, run.error,
            run.settings.get("objective.name"), run.settings.get("dataset.name"),
            *(own.get(key) for key in keys),
            run.step, run.steps, run.metrics.get("elbo"), run.metrics.get(MIG), iso_time(run),
        ]
        for run, own in zip(runs, differing, strict=True)
    ]  # fmt: skip
    return csv_text(head, rows)


def list_json(runs: Sequence[Overview], differing: Differing) -> list[dict[str, Any]]:
    """Return an object per run, with all its figures."""
    return [
        {
            "run": run.path.as_posix(),
            "state": run.state,
            "error": run.error,
            "objective": run.settings.get("objective.name"),
            "dataset": run.settings.get("dataset.name"),
            "differing": dict(own),
            "step": run.step,
            "steps": run.steps,
            "metrics": dict(run.metrics),
            "changed": iso_time(run),
            "age_seconds": run.age,
        }
        for run, own in zip(runs, differing, strict=True)
    ]


def iso_time(run: Overview) -> str | None:
    """Return when a run was last written, in UTC: ``2026-01-31T12:00:00+00:00``."""
    if run.changed is None:
        return None
    try:
        return datetime.fromtimestamp(run.changed, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return None


def _words(own: Mapping[str, Any], short: Mapping[str, str]) -> str:
    return "  ".join(f"{short[key]}={value_text(value)}" for key, value in own.items())


def _text(value: object) -> str:
    return "-" if value is None else value_text(value)


def _steps(run: Overview) -> str:
    if run.step is None:
        return "-"
    of = "" if run.steps in (None, run.step) else f" of {run.steps:,}"
    return f"{run.step:,}{of}"


def _number(run: Overview, metric: str, decimals: int) -> Text:
    value = run.metrics.get(metric)
    return Text(number_text(value, decimals), "dim" if value is None else "")
