"""Means of configurations, and their differences paired by seed, with a bootstrap interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod, sqrt
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from runner.comparison.configurations import Configuration
from runner.metric.quantities import quantity

CONFIDENCE = 0.95
LEAST_PAIRS = 3
"""Fewer seeds have no interval: it would depend on the method more than on the runs."""

_LARGEST_EXACT = 7
"""Largest number of values of which all resamples are counted; of more, some are drawn."""
_RESAMPLES = 9999
_SEED = 0

_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a metric over the runs of a configuration."""

    mean: float
    deviation: float | None
    """With n - 1 in the denominator; None of a single run."""
    count: int
    error: float | None = None
    """Of a single run: the standard error of its figure, where it has one."""

    @property
    def uncertainty(self) -> float | None:
        """The deviation over the runs; of a single run, its standard error."""
        return self.error if self.deviation is None else self.deviation


@dataclass(frozen=True)
class Difference:
    """A metric of the first configuration minus that of the second, over their common seeds."""

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

    @property
    def spread(self) -> Spread:
        """The mean with half of the interval's width in place of the standard deviation."""
        half = None if self.low is None or self.high is None else (self.high - self.low) / 2
        return Spread(self.mean, half, len(self.seeds))

    @property
    def is_better(self) -> bool | None:
        """Whether the first mean is the better one; None where neither direction is better."""
        merit = quantity(self.metric).sign * self.mean
        return None if not merit else merit > 0


def spread(configuration: Configuration, metric: str) -> Spread | None:
    """Return mean and standard deviation of a metric, or None where no run has it."""
    values = configuration.values(metric)
    if not values.size:
        return None
    deviation = float(values.std(ddof=1)) if values.size > 1 else None
    errors = [run.errors.get(metric) for run in configuration.runs if metric in run.metrics]
    error = errors[0] if values.size == 1 else None
    return Spread(float(values.mean()), deviation, int(values.size), error)


def decimals_of(spreads: Sequence[Spread]) -> int:
    """Return the number of decimals to print: two digits of the median uncertainty.

    Without any, three digits of the distance between the smallest and largest mean.
    """
    deviations = [each.uncertainty for each in spreads if each.uncertainty]
    means = [each.mean for each in spreads]
    if deviations:
        least = median(deviations) / 10
    else:
        apart = max(means) - min(means) if means else 0.0
        least = (apart or abs(means[0] if means else 0.0) or 1.0) / 100
    return min(_MOST_DECIMALS, max(0, -math.floor(math.log10(least))))


def difference(first: Configuration, second: Configuration, metric: str) -> Difference:
    """Return the mean difference of a metric between two configurations, paired by seed.

    Several runs of one seed are averaged first. Without a common seed the mean is NaN.
    """
    ones, others = _by_seed(first, metric), _by_seed(second, metric)
    seeds = tuple(sorted(ones.keys() & others.keys()))
    gaps_N = np.array([ones[seed] - others[seed] for seed in seeds])
    mean = float(gaps_N.mean()) if seeds else float("nan")
    low, high = interval(gaps_N) if len(seeds) >= LEAST_PAIRS else (None, None)
    return Difference(metric, first, second, seeds, mean, low, high)


def interval(values_N: NDArray[np.float64]) -> tuple[float, float]:
    """Return a bootstrap confidence interval for the mean of the distribution of some values.

    The percentile interval is too narrow for few values: the mean of a resample varies less than
    that of a sample, by the factor sqrt((n - 1) / n), and its ends are normal quantiles where those
    of Student's t are due. Both ends are therefore moved away from the mean by the factor
    sqrt(n / (n - 1)) t / z. On average the interval is as wide as Student's, and it is skewed where
    the values are.

    Source: both shortcomings, Hesterberg 2015, "What teachers should know about the bootstrap";
    there other quantiles are taken instead, which three or four values do not have.
    """
    count, mean = len(values_N), float(values_N.mean())
    percentiles = _exact if count <= _LARGEST_EXACT else _drawn
    low, high = percentiles(values_N - mean)
    widened = _widening(count)
    return mean + widened * low, mean + widened * high


def _by_seed(configuration: Configuration, metric: str) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for run in configuration.runs:
        if metric in run.metrics:
            found.setdefault(run.seed, []).append(run.metrics[metric])
    return {seed: sum(values) / len(values) for seed, values in found.items()}


@cache
def _widening(count: int) -> float:
    """Return the factor by which an interval from so many values is widened."""
    end = (1 + CONFIDENCE) / 2
    return float(sqrt(count / (count - 1)) * stats.t.ppf(end, count - 1) / stats.norm.ppf(end))


def _drawn(gaps_N: NDArray[np.float64]) -> tuple[float, float]:
    """Return the percentile interval of the mean from resamples that are drawn."""
    found = stats.bootstrap(
        (gaps_N,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def _exact(gaps_N: NDArray[np.float64]) -> tuple[float, float]:
    """Return the percentile interval of the mean from all resamples there are.

    Our own, because scipy only draws: counting has no Monte Carlo error, and no order of the runs
    changes it.
    """
    tail = (1 - CONFIDENCE) / 2
    shares_RN, chances_R = _resamples(len(gaps_N))
    means_R = shares_RN @ gaps_N
    order_R = np.argsort(means_R, kind="stable")
    below_R = np.cumsum(chances_R[order_R])
    low, high = means_R[order_R[np.searchsorted(below_R, [tail, 1 - tail])]]
    return float(low), float(high)


@cache
def _resamples(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all resamples of N values, as the share of each value, and their probabilities.

    Shapes: R resamples, N values: (R, N) and (R,).
    """
    multisets = [Counter(each) for each in combinations_with_replacement(range(count), count)]
    times_RN = np.array([[each[value] for value in range(count)] for each in multisets])
    ways_R = [factorial(count) / prod(factorial(times) for times in row) for row in times_RN]
    return times_RN / count, np.array(ways_R) / count**count
