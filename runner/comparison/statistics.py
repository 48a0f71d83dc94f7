"""How two cells differ: paired over the seeds that both have, with an interval."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from runner.comparison.configurations import Configuration

CONFIDENCE = 0.95
LEAST_PAIRS = 3
"""Below this an interval would say more about the method than about the runs."""

_LARGEST_EXACT = 7
"""Up to so many pairs every resample there is is counted; beyond, some are drawn."""
_RESAMPLES = 5000
_SEED = 0


@dataclass(frozen=True)
class Spread:
    """A figure over the runs of a cell."""

    mean: float
    deviation: float | None
    """Standard deviation, with n - 1; None of a single run."""
    count: int


@dataclass(frozen=True)
class Difference:
    """First minus second, over the seeds that both have."""

    metric: str
    first: Configuration
    second: Configuration
    seeds: tuple[int, ...]
    mean: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and zero is not in it."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def spread(configuration: Configuration, metric: str) -> Spread | None:
    """Return the mean and the standard deviation of a figure, or None where no run has it."""
    values = configuration.values(metric)
    if not values.size:
        return None
    deviation = float(values.std(ddof=1)) if values.size > 1 else None
    return Spread(float(values.mean()), deviation, int(values.size))


def difference(first: Configuration, second: Configuration, metric: str) -> Difference:
    """Return how much larger a figure is in the first cell, seed by seed.

    Where a cell holds several runs of a seed, their mean stands for them. Without a common seed
    the mean is not a number.
    """
    ones, others = _by_seed(first, metric), _by_seed(second, metric)
    seeds = tuple(sorted(ones.keys() & others.keys()))
    gaps = np.array([ones[seed] - others[seed] for seed in seeds])
    mean = float(gaps.mean()) if seeds else float("nan")
    low, high = interval(gaps) if len(seeds) >= LEAST_PAIRS else (None, None)
    return Difference(metric, first, second, seeds, mean, low, high)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return an interval for the mean of what the values are drawn from.

    The bootstrap's percentile interval is too narrow for few values: resamples of n values vary
    less than samples do, by sqrt((n - 1) / n), and its ends are quantiles of a normal where those
    of Student's t belong. Both ends are therefore moved away from the mean in the ratio
    sqrt(n / (n - 1)) t / z: as wide as Student's interval on average, and lopsided where the
    values are.

    Source: the two shortcomings, Hesterberg 2015, "What teachers should know about the bootstrap",
    who moves the quantiles instead; with three or four values there are none further out.
    """
    count = len(values)
    tail = (1 - CONFIDENCE) / 2
    shares_RN, chances_R = _resamples(count)
    gaps = values - values.mean()
    means_R = shares_RN @ gaps
    order_R = np.argsort(means_R, kind="stable")
    below_R = np.cumsum(chances_R[order_R])
    low, high = means_R[order_R[np.searchsorted(below_R, [tail, 1 - tail])]]
    ratio = _ratio(count)
    return float(values.mean() + ratio * low), float(values.mean() + ratio * high)


def _by_seed(configuration: Configuration, metric: str) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for run in configuration.runs:
        if metric in run.metrics:
            found.setdefault(run.seed, []).append(run.metrics[metric])
    return {seed: sum(values) / len(values) for seed, values in found.items()}


@cache
def _ratio(count: int) -> float:
    """Return how much wider an interval for so many values has to be."""
    end = (1 + CONFIDENCE) / 2
    return float(sqrt(count / (count - 1)) * stats.t.ppf(end, count - 1) / stats.norm.ppf(end))


@cache
def _resamples(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of a resample each value is, and how likely each resample is.

    Shapes: R resamples, N values.
    """
    if count > _LARGEST_EXACT:
        drawn_RN = np.random.default_rng(_SEED).integers(count, size=(_RESAMPLES, count))
        shares_RN = np.array([np.bincount(row, minlength=count) for row in drawn_RN]) / count
        return shares_RN, np.full(_RESAMPLES, 1 / _RESAMPLES)
    multisets = [Counter(each) for each in combinations_with_replacement(range(count), count)]
    times_RN = np.array([[each[value] for value in range(count)] for each in multisets])
    ways_R = [factorial(count) / prod(factorial(times) for times in row) for row in times_RN]
    return times_RN / count, np.array(ways_R) / count**count
