"""Metrics on a comparison's page: their names and titles, and the entries of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.statistics import decimals_of, spread
from runner.metric.number_text import number_text
from runner.metric.quantities import brief_name, quantity

MISSING = "\N{EN DASH}"
"""Stands where a configuration has no number."""

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Entry:
    """An entry of a table."""

    text: str
    kind: str
    """Its CSS classes."""
    value: str | None = None
    """What the script sorts by, empty for nothing; None: the text."""
    deviation: str = ""
    count: int | None = None
    """The number of runs, where some lack the metric."""


ABSENT = Entry(MISSING, "number absent", value="")


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    key: str
    """The full name of the metric or setting."""
    name: str
    """Its name in the page's address."""
    title: str
    hover: str
    """The text under the mouse."""
    kind: str = ""
    """Its CSS classes."""


def metric_heads(comparison: Comparison) -> list[Head]:
    """Return the heads of the chosen metrics."""
    names, titles = metric_names(comparison), metric_titles(comparison)
    return [
        Head(metric, names[metric], titles[metric], f"{quantity(metric).title_with_unit}: {metric}")
        for metric in comparison.metrics
    ]


def metric_names(comparison: Comparison) -> dict[str, str]:
    """Return the name in the page's address of each metric that a run has, the chosen first."""
    return _unique(comparison, brief_name)


def metric_titles(comparison: Comparison) -> dict[str, str]:
    """Return the visible title of each metric that a run has, the chosen first."""
    return _unique(comparison, lambda name: quantity(name).short)


def _unique(comparison: Comparison, shorten: Callable[[str], str]) -> dict[str, str]:
    """Return a short name for each metric, or its full name where the short one is ambiguous."""
    found = dict.fromkeys(comparison.metrics)
    for run in comparison.runs:
        found.update(dict.fromkeys(run.metrics))
    short = {name: shorten(name) for name in found}
    # Full names count too: the short name of one metric may be the full name of another.
    taken = Counter([*short.values(), *(name for name in found if short[name] != name)])
    return {name: text if taken[text] == 1 else name for name, text in short.items()}


def label(configuration: Configuration) -> str:
    """Return the distinguishing settings of a configuration, separated by commas."""
    return configuration.label.replace("  ", ", ")


def decimals_by_metric(comparison: Comparison) -> dict[str, int]:
    """Return the number of decimals that each chosen metric is printed with."""
    return {metric: decimals(comparison.configurations, metric) for metric in comparison.metrics}


def decimals(configurations: Iterable[Configuration], metric: str) -> int:
    """Return the number of decimals that a metric is printed with."""
    return decimals_of([found for each in configurations if (found := spread(each, metric))])


def fixed(value: float, places: int, *, signed: bool = False) -> str:
    """Return a number with so many decimals, and a minus that is as wide as a plus."""
    return number_text(value, places, signed=signed, minus=_MINUS)
