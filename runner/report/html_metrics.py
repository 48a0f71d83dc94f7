"""How a comparison's page writes metrics: their names in short, and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape

from runner.comparison.baseline import datasets
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.directions import direction
from runner.comparison.names import metric_title
from runner.comparison.statistics import spread
from runner.report.table import decimals_of

MISSING = "\N{EN DASH}"
"""Stands where a cell has no number."""

ABSENT = f'<td class="number absent" data-v="">{MISSING}</td>'
"""The same, as an entry of a table."""

_PREFIXES = ("terms/", "scores/mean/", "scores/")
"""What a metric's name may begin with that says little to a reader."""


def metric_names(comparison: Comparison) -> dict[str, str]:
    """Return what a link calls each metric that a run has, the chosen ones first."""
    return _shortened(comparison, _without_prefix)


def metric_titles(comparison: Comparison) -> dict[str, str]:
    """Return what a reader sees of each metric that a run has."""
    return _shortened(comparison, metric_title)


def _shortened(comparison: Comparison, shorten: Callable[[str], str]) -> dict[str, str]:
    """Return a short name for each metric, or its own where the short one says too little."""
    found = dict.fromkeys(comparison.metrics)
    for run in comparison.runs:
        found.update(dict.fromkeys(run.metrics))
    short = {name: shorten(name) for name in found}
    # A full name counts too: what is short for one metric may not be another's own name.
    taken = Counter([*short.values(), *(name for name in found if short[name] != name)])
    return {name: text if taken[text] == 1 else name for name, text in short.items()}


def _without_prefix(name: str) -> str:
    return next((name.removeprefix(start) for start in _PREFIXES if name.startswith(start)), name)


def label(configuration: Configuration) -> str:
    """Return what tells a cell from the others, as a list of words."""
    return configuration.label.replace("  ", ", ")


def breakable(name: str) -> str:
    """Return a name as HTML that may be broken into lines after a slash or an underscore."""
    return escape(name).replace("_", "_<wbr>").replace("/", "/<wbr>")


def places_of(configurations: Iterable[Configuration], metric: str) -> int:
    """Return how many decimals of a metric say something."""
    return decimals_of(
        [each for configuration in configurations if (each := spread(configuration, metric))]
    )


def best_of(configurations: Sequence[Configuration], metric: str) -> set[int]:
    """Return the cells with the best mean of each dataset, where one way is better."""
    sign = direction(metric)
    means: dict[tuple[str, ...], dict[int, float]] = {}
    for i, configuration in enumerate(configurations):
        if sign and (each := spread(configuration, metric)):
            means.setdefault(datasets(configuration), {})[i] = sign * each.mean
    several = [found for found in means.values() if len(found) > 1]
    return {max(found, key=lambda i: found[i]) for found in several}


def fixed(value: float, places: int) -> str:
    """Return a number with so many decimals, and a minus that is as wide as a plus."""
    return f"{value:z.{places}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float, places: int) -> str:
    """Return a number with its sign; zero has none."""
    text = fixed(value, places)
    return text if text.startswith("\N{MINUS SIGN}") or not float(text) else f"+{text}"
