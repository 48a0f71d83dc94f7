"""The differences on a comparison's page: a table per metric, with drawings and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.comparison.configurations import Comparison
from runner.comparison.statistics import LEAST_PAIRS, Difference, decimals_of
from runner.report.html_metrics import (
    ABSENT,
    MISSING,
    Entry,
    fixed,
    label,
    metric_names,
    metric_titles,
)

_MOST = 200
"""Rows of a table of differences; of more, the largest differences are shown."""

_MARGIN = 4
"""Space beside the outermost mark of a drawing, in percent of its width."""


@dataclass(frozen=True)
class Drawing:
    """Positions in a drawing of an interval, such as ``12.5%`` from its left edge."""

    zero: str
    mean: str
    ends: tuple[str, str] | None


@dataclass(frozen=True)
class DifferenceRow:
    """A configuration's difference from the baseline."""

    label: str
    is_clear: bool
    """Whether the interval excludes zero."""
    mean: Entry
    interval: str
    drawing: Drawing | None
    seeds: int
    words: str


@dataclass(frozen=True)
class DifferenceTable:
    """Differences of one metric from one baseline."""

    baseline: str
    rows: list[DifferenceRow]
    of: str
    """The number of all differences, where only the largest are shown."""


@dataclass(frozen=True)
class MetricDifferences:
    """Differences of one metric, a table per baseline."""

    name: str
    title: str
    tables: list[DifferenceTable]
    intervals: int
    """Number of differences that have an interval."""


def differences_by_metric(
    comparison: Comparison, differences: Sequence[Difference]
) -> list[MetricDifferences]:
    """Return the tables of differences of every metric."""
    names, titles = metric_names(comparison), metric_titles(comparison)
    by_metric: dict[str, dict[int, list[Difference]]] = {}
    for one in differences:
        by_baseline = by_metric.setdefault(one.metric, {})
        by_baseline.setdefault(id(one.second), []).append(one)
    return [
        MetricDifferences(
            names[metric],
            titles[metric],
            [_table(rows) for rows in tables.values()],
            sum(one.low is not None for rows in tables.values() for one in rows),
        )
        for metric, tables in by_metric.items()
    ]


def _table(every: Sequence[Difference]) -> DifferenceTable:
    places = decimals_of([one.spread for one in every if one.seeds])
    rows = _largest(every)
    scale = _scale(rows)
    return DifferenceTable(
        label(every[0].second),
        [_row(one, places, scale) for one in rows],
        f"{len(every):,}" if len(rows) < len(every) else "",
    )


def _largest(rows: Sequence[Difference]) -> Sequence[Difference]:
    """Return the rows that are shown, in their order."""
    if len(rows) <= _MOST:
        return rows
    sizes = [abs(one.mean) if math.isfinite(one.mean) else -1.0 for one in rows]
    kept = sorted(range(len(rows)), key=lambda i: sizes[i], reverse=True)[:_MOST]
    return [rows[i] for i in sorted(kept)]


def _scale(rows: Iterable[Difference]) -> tuple[float, float]:
    """Return the smallest and the largest number drawn; zero lies between them."""
    ends = [end for one in rows for end in (one.mean, one.low, one.high) if end is not None]
    finite = [0.0, *(end for end in ends if math.isfinite(end))]
    return min(finite), max(finite)


def _row(one: Difference, places: int, scale: tuple[float, float]) -> DifferenceRow:
    interval, mean = MISSING, ABSENT
    if math.isfinite(one.mean):
        mean = Entry(fixed(one.mean, places, signed=True), "number", repr(one.mean))
    if one.low is not None and one.high is not None:
        interval = f"{fixed(one.low, places)} to {fixed(one.high, places)}"
    return DifferenceRow(
        label(one.first),
        one.excludes_zero,
        mean,
        interval,
        _drawing(one, scale),
        len(one.seeds),
        in_words(one),
    )


def in_words(one: Difference) -> str:
    """Return what a difference says: ``higher (better)``, or why it says nothing."""
    if not one.seeds:
        return "no seed in common"
    if one.low is None:
        return f"fewer than {LEAST_PAIRS} seeds in common"
    if not one.excludes_zero:
        return "no clear difference"
    word = "higher" if one.mean > 0 else "lower"
    if one.is_better is None:
        return word
    return f"{word} ({'better' if one.is_better else 'worse'})"


def _drawing(one: Difference, scale: tuple[float, float]) -> Drawing | None:
    """Return where the interval, the mean and zero are drawn; None where there is no mean."""
    if not math.isfinite(one.mean):
        return None
    least, largest = scale
    room = (100 - 2 * _MARGIN) / ((largest - least) or 1)

    def at(value: float) -> str:
        return f"{_MARGIN + (value - least) * room:.1f}%"

    ends = None if one.low is None or one.high is None else (at(one.low), at(one.high))
    return Drawing(at(0), at(one.mean), ends)
