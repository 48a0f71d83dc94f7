"""A comparison as files: CSV tables, and one JSON file with all of it.

Numbers have full precision. The same runs give the same bytes, wherever their folder lies.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.runs import ComparedRun
from runner.comparison.statistics import CONFIDENCE, Difference, spread
from runner.report.csv_text import csv_text


def relative(comparison: Comparison, start: Path) -> Comparison:
    """Return the same comparison with the paths of its runs relative to a folder."""

    def of(runs: Iterable[ComparedRun]) -> tuple[ComparedRun, ...]:
        return tuple(replace(run, path=Path(os.path.relpath(run.path, start))) for run in runs)

    return replace(
        comparison,
        configurations=tuple(
            replace(configuration, runs=of(configuration.runs))
            for configuration in comparison.configurations
        ),
        excluded=of(comparison.excluded),
        duplicates=of(comparison.duplicates),
    )


def configurations_csv(comparison: Comparison) -> str:
    """Return a row per configuration: its settings, and mean, sd and n of every metric.

    A metric that has standard errors has a fourth column, ``se``: that of a single run.
    """
    metrics, with_errors = _metrics(comparison), _with_errors(comparison)
    head = [*comparison.by, "runs", "seeds"]
    for metric in metrics:
        parts = ("mean", "sd", "n", "se") if metric in with_errors else ("mean", "sd", "n")
        head += [f"{metric} {part}" for part in parts]
    rows: list[list[object]] = []
    for configuration in comparison.configurations:
        row: list[object] = [
            *configuration.settings.values(),
            len(configuration.runs),
            len(configuration.seeds),
        ]
        for metric in metrics:
            found = spread(configuration, metric)
            row += [found.mean, found.deviation, found.count] if found else [None, None, 0]
            if metric in with_errors:
                row.append(found.error if found else None)
        rows.append(row)
    return csv_text(head, rows)


def runs_csv(comparison: Comparison) -> str:
    """Return a row per run: its path, its configuration, all its settings and metrics.

    Last come the standard errors of the metrics that have one, ``METRIC se``.
    """
    metrics, with_errors = _metrics(comparison), _with_errors(comparison)
    settings = list(dict.fromkeys(key for run in comparison.runs for key in run.settings))
    rows = [
        [
            run.path.as_posix(),
            configuration.label,
            *(run.settings.get(key) for key in settings),
            *(run.metrics.get(metric) for metric in metrics),
            *(run.errors.get(metric) for metric in with_errors),
        ]
        for configuration in comparison.configurations
        for run in configuration.runs
    ]
    errors = [f"{metric} se" for metric in with_errors]
    return csv_text(["path", "configuration", *settings, *metrics, *errors], rows)


def differences_csv(differences: Sequence[Difference]) -> str:
    """Return a row per metric and configuration: its difference from the baseline."""
    rows = [
        [d.metric, d.first.label, d.second.label, len(d.seeds), *_ends(d), d.excludes_zero]
        for d in differences
    ]
    head = ["metric", "configuration", "against", "n", "mean", "low", "high", "excludes_zero"]
    return csv_text(head, rows)


def as_json(
    comparison: Comparison,
    differences: Sequence[Difference],
    command: str,
) -> dict[str, Any]:
    """Return all of a comparison as plain values, as ``comparison.json`` holds it."""
    metrics = _metrics(comparison)
    return {
        "command": command,
        "by": list(comparison.by),
        "metrics": list(comparison.metrics),
        "pooled": list(comparison.pooled),
        "baselines": list(dict.fromkeys(each.second.label for each in differences)),
        "confidence": CONFIDENCE,
        "shared_settings": dict(_shared(comparison)),
        "configurations": [_configuration(each, metrics) for each in comparison.configurations],
        "differences": [_difference(each) for each in differences],
        "excluded": [
            {"path": run.path.as_posix(), "state": run.state, "error": run.error}
            for run in comparison.excluded
        ],
        "duplicates": [run.path.as_posix() for run in comparison.duplicates],
    }


def _configuration(configuration: Configuration, metrics: Sequence[str]) -> dict[str, Any]:
    means: dict[str, Any] = {}
    for metric in metrics:
        found = spread(configuration, metric)
        if found:
            means[metric] = {"mean": found.mean, "sd": found.deviation, "n": found.count}
            if found.error is not None:
                means[metric]["se"] = found.error
    runs = [
        {
            "path": run.path.as_posix(),
            "seed": run.seed,
            "metrics": dict(run.metrics),
            "standard_errors": dict(run.errors),
            "warnings": list(run.warnings),
        }
        for run in configuration.runs
    ]
    return {
        "label": configuration.label,
        "settings": dict(configuration.settings),
        "seeds": list(configuration.seeds),
        "metrics": means,
        "runs": runs,
    }


def _difference(each: Difference) -> dict[str, Any]:
    mean, low, high = _ends(each)
    return {
        "metric": each.metric,
        "configuration": each.first.label,
        "against": each.second.label,
        "seeds": list(each.seeds),
        "mean": mean,
        "low": low,
        "high": high,
        "excludes_zero": each.excludes_zero,
    }


def _ends(each: Difference) -> tuple[float | None, float | None, float | None]:
    return (each.mean if math.isfinite(each.mean) else None), each.low, each.high


def _metrics(comparison: Comparison) -> list[str]:
    """Return all metrics that some run has, the chosen ones first."""
    others = sorted({metric for run in comparison.runs for metric in run.metrics})
    return list(dict.fromkeys([*comparison.metrics, *others]))


def _with_errors(comparison: Comparison) -> list[str]:
    """Return the metrics of which some run has a standard error, in the order of the metrics."""
    known = {metric for run in comparison.runs for metric in run.errors}
    return [metric for metric in _metrics(comparison) if metric in known]


def _shared(comparison: Comparison) -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of the settings that are the same in all runs."""
    first, *others = comparison.runs
    unset = object()
    for key, value in first.settings.items():
        if all(run.settings.get(key, unset) == value for run in others):
            yield key, value
