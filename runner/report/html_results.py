"""The results on a comparison's page: a row per configuration, and further metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from runner.comparison.best import best_of
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import short_names, value_text
from runner.comparison.statistics import spread
from runner.report.html_metrics import (
    ABSENT,
    MISSING,
    Entry,
    Head,
    decimals,
    decimals_by_metric,
    fixed,
    label,
    metric_heads,
    metric_names,
    metric_titles,
)

SHOWN = 250
"""Rows that the script shows at first: thousands of them are slow to lay out."""


@dataclass(frozen=True)
class Row:
    """A configuration."""

    label: str
    runs: int
    settings: list[Entry]
    numbers: list[Entry]


@dataclass(frozen=True)
class Results:
    """The table of configurations."""

    settings: list[Head]
    metrics: list[Head]
    rows: list[Row]
    pooled: list[str]
    """Short names of the settings, other than the seed, in which runs of one row differ."""
    some_lack_a_metric: bool
    shown: int = SHOWN


def results(comparison: Comparison) -> Results:
    """Return the table of configurations: settings, number of runs, and the chosen metrics."""
    kinds = _kinds(comparison)
    places = decimals_by_metric(comparison)
    best = {metric: best_of(comparison.configurations, metric) for metric in comparison.metrics}
    rows = [
        Row(
            label(configuration),
            len(configuration.runs),
            _settings(configuration, kinds),
            [_mean(configuration, m, places[m], is_best=i in best[m]) for m in comparison.metrics],
        )
        for i, configuration in enumerate(comparison.configurations)
    ]
    short = short_names(comparison.by)
    heads = [Head(key, short[key], short[key], key, kinds[key]) for key in comparison.by]
    lacking = (m not in run.metrics for run in comparison.runs for m in comparison.metrics)
    return Results(
        heads or [Head("settings", "settings", "settings", "settings", "setting")],
        metric_heads(comparison),
        rows,
        list(short_names(comparison.pooled).values()),
        any(lacking),
    )


def more_metrics(comparison: Comparison) -> dict[str, Any]:
    """Return the metrics beyond the chosen ones, for the script.

    Each by its name in the page's address: its title, its decimals, and per configuration the value
    of each run or None.
    """
    titles = metric_titles(comparison)
    return {
        short: {
            "title": titles[metric],
            "decimals": decimals(comparison.configurations, metric),
            "values": [
                [_rounded(run.metrics.get(metric)) for run in configuration.runs]
                for configuration in comparison.configurations
            ],
        }
        for metric, short in sorted(metric_names(comparison).items())
        if metric not in comparison.metrics
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.7g}")


def _kinds(comparison: Comparison) -> dict[str, str]:
    """Return the CSS classes of each setting's column: numbers are aligned to the right."""
    texts = {
        key
        for configuration in comparison.configurations
        for key, value in configuration.settings.items()
        if value is not None and not _is_number(value)
    }
    return {key: "setting" if key in texts else "setting number" for key in comparison.by}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _settings(configuration: Configuration, kinds: dict[str, str]) -> list[Entry]:
    entries = [_setting(configuration.settings.get(key), kind) for key, kind in kinds.items()]
    return entries or [Entry("all runs", "setting")]


def _setting(value: object, kind: str) -> Entry:
    if value is None:  # the setting has no effect on these runs
        return Entry(MISSING, kind, value="")
    return Entry(value_text(value), kind, str(value) if _is_number(value) else None)


def _mean(configuration: Configuration, metric: str, places: int, *, is_best: bool) -> Entry:
    """Return mean and uncertainty, and the number of runs where some lack the metric."""
    found = spread(configuration, metric)
    if found is None:
        return ABSENT
    return Entry(
        fixed(found.mean, places),
        "number best" if is_best else "number",
        repr(found.mean),
        "" if found.uncertainty is None else fixed(found.uncertainty, places),
        found.count if found.count < len(configuration.runs) else None,
    )
