"""A list of runs as a table in the terminal, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from runner.comparison.names import short_names, value_text
from runner.comparison.overview import MIG, Overview
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
    runs: Sequence[Overview], differing: Differing, *, age_text: Callable[[float], str]
) -> Table:
    """Return a row per run; ``age_text`` writes a time in seconds."""
    with_mig = any(MIG in run.metrics for run in runs)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold")
    for name in ("state", "objective", "dataset"):
        table.add_column(name, no_wrap=True)
    table.add_column("settings that differ", overflow="fold")
    for name in ("steps", "ELBO", *(["MIG"] if with_mig else []), "age"):
        table.add_column(name, justify="right", no_wrap=True)
    short = short_names(dict.fromkeys(key for each in differing for key in each))
    for run, own in zip(runs, differing, strict=True):
        scores = [_number(run, MIG, 3)] if with_mig else []
        table.add_row(
            Text(str(run.path)),
            Text(run.state, STYLES.get(run.state, "yellow")),
            Text(_text(run.settings.get("objective.name"))),
            Text(_text(run.settings.get("dataset.name"))),
            Text(_words(own, short) if run.run else run.error or "", "" if run.run else "dim"),
            _steps(run),
            _number(run, "elbo", 2),
            *scores,
            "-" if run.age is None else age_text(run.age),
        )
    return table


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
    return datetime.fromtimestamp(run.changed, UTC).isoformat(timespec="seconds")


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
