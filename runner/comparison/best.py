"""The best configurations by a metric."""

from __future__ import annotations

from collections.abc import Sequence

from runner.comparison.configurations import Configuration
from runner.metric.quantities import quantity


def merit(configuration: Configuration, metric: str) -> float:
    """Return the mean of a metric over the runs, signed such that higher is better.

    Where neither direction is better the mean is taken as it is; without any run that has the
    metric the merit is minus infinity.
    """
    values = configuration.values(metric)
    return (quantity(metric).sign or 1) * float(values.mean()) if values.size else float("-inf")


def best_of(configurations: Sequence[Configuration], metric: str) -> set[int]:
    """Return the index of the best configuration of each dataset, the first one of equals.

    Empty where neither direction is better; a dataset with a single configuration has no best.
    """
    if not quantity(metric).sign:
        return set()
    merits: dict[tuple[str, ...], dict[int, float]] = {}
    for i, configuration in enumerate(configurations):
        if configuration.values(metric).size:
            merits.setdefault(configuration.datasets, {})[i] = merit(configuration, metric)
    return {max(found, key=lambda i: found[i]) for found in merits.values() if len(found) > 1}
