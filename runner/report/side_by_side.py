"""Runs side by side as tables and as JSON: a column per run, and one per difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.comparison.names import value_text
from runner.comparison.side_by_side import ABSENT, Row
from runner.metric.number_table import bare_table
from runner.metric.number_text import number_text
from runner.metric.quantities import quantity


def values_table(title: str, rows: Sequence[Row], labels: Sequence[str]) -> Table:
    """Return a row per setting or property, and a column per run."""
    table = _table(title, labels)
    for row in rows:
        name = row.name.removesuffix(".name")
        table.add_row(Text(name), *(_value(value) for value in row.values))
    return table


def figures_table(rows: Sequence[Row], labels: Sequence[str]) -> Table:
    """Return a row per figure: that of each run, and its difference from the first run's."""
    table = _table("figure", labels[:1])
    for label in labels[1:]:
        table.add_column(Text(label), overflow="fold", justify="right")
        table.add_column("difference", justify="right", no_wrap=True)
    table.columns[1].justify = "right"
    for row in rows:
        first, *others = (None if value is ABSENT else float(value) for value in row.values)
        cells = [number_text(first, 3, group=",")]
        for value in others:
            gap = None if first is None or value is None else value - first
            cells += [number_text(value, 3, group=","), number_text(gap, 3, group=",", signed=True)]
        table.add_row(
            Text(quantity(row.name).short), *cells, style="bold" if row.name == "elbo" else ""
        )
    return table


def run_labels(paths: Sequence[Path]) -> list[str]:
    """Return the last parts of paths, as many as tell them apart."""
    most = max(len(path.parts) for path in paths)
    for count in range(1, most + 1):
        labels = ["/".join(path.parts[-count:]).replace("//", "/") for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [str(path) for path in paths]


def as_json(
    paths: Sequence[Path],
    origins: Sequence[Row],
    settings: Sequence[Row],
    figures: Sequence[Row],
) -> dict[str, Any]:
    """Return all that differs as plain values; what a run does not have is left out of its entry.

    A figure has its difference from the first run's, null where one of them lacks it.
    """
    return {
        "runs": [path.as_posix() for path in paths],
        "same_settings": not settings,
        "properties": {row.name: _plain(row) for row in origins},
        "settings": {
            row.name: {"values": _plain(row), "follows": row.is_detail} for row in settings
        },
        "figures": {
            row.name: {"values": _plain(row), "differences": _gaps(row)} for row in figures
        },
    }


def _gaps(row: Row) -> list[float | None]:
    first = row.values[0]
    return [None if ABSENT in (first, value) else value - first for value in row.values[1:]]


def _plain(row: Row) -> list[Any]:
    return [None if value is ABSENT else value for value in row.values]


def _value(value: object) -> Text:
    if value is ABSENT:
        return Text("-", "dim")
    if isinstance(value, Mapping):
        return Text(str(dict(value)))
    return Text("null") if value is None else Text(value_text(value))


def _table(title: str, labels: Sequence[str]) -> Table:
    table = bare_table()
    table.add_column(Text(title), overflow="fold")
    for label in labels:
        table.add_column(Text(label), overflow="fold")
    return table
