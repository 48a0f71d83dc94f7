"""Means, deviations and paired differences with an interval that covers what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.comparison import statistics
from runner.comparison.configurations import Configuration
from runner.comparison.runs import ComparedRun
from runner.comparison.statistics import Difference, Spread, difference, interval, spread


def configuration(elbo_of_seed: Mapping[int, float] | list[tuple[int, float]]) -> Configuration:
    pairs = elbo_of_seed.items() if isinstance(elbo_of_seed, Mapping) else elbo_of_seed
    runs = [
        ComparedRun(Path(str(seed)), "finished", None, {"seed": seed}, {"elbo": elbo})
        for seed, elbo in pairs
    ]
    return Configuration({}, tuple(runs))


def test_the_spread_is_that_of_a_sample():
    found = spread(configuration({0: 1.0, 1: 2.0, 2: 6.0}), "elbo")
    assert found is not None
    assert (found.mean, found.count) == (3.0, 3)
    assert found.deviation == pytest.approx(np.sqrt((4 + 1 + 9) / 2))


def test_one_run_has_no_spread_and_none_has_no_mean():
    alone = spread(configuration({0: 1.0}), "elbo")
    assert alone is not None
    assert alone.deviation is None
    assert spread(configuration({0: 1.0}), "rate") is None


def test_a_difference_is_over_common_seeds_whatever_their_order():
    first = configuration({3: 30.0, 0: 1.0, 1: 2.0, 2: 4.0})
    second = configuration({2: 1.0, 1: 1.0, 0: 1.0, 9: 500.0})
    found = difference(first, second, "elbo")
    assert found.seeds == (0, 1, 2)
    assert found.mean == pytest.approx(4 / 3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.mean < found.high


def test_pairs_take_out_what_seeds_have_in_common():
    """Seeds differ by tens, the configurations by one: only a paired interval sees it."""
    noise = {seed: 10.0 * seed for seed in range(5)}
    better = {seed: value + 1 + 0.01 * (seed % 2) for seed, value in noise.items()}
    found = difference(configuration(better), configuration(noise), "elbo")
    assert found.excludes_zero
    assert found.mean == pytest.approx(1, abs=0.02)


def test_runs_of_one_seed_are_averaged_first():
    first = configuration([(0, 1.0), (0, 3.0), (1, 10.0)])
    found = difference(first, configuration({0: 0.0, 1: 0.0}), "elbo")
    assert found.mean == 6.0  # and not 14/3, of the runs


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_seeds_have_no_interval(count: int):
    found = difference(
        configuration(dict.fromkeys(range(count), 2.0)), configuration({0: 1.0, 1: 1.0}), "elbo"
    )
    assert (found.low, found.high) == (None, None)
    assert not found.excludes_zero
    assert found.mean == 1.0 if count else np.isnan(found.mean)


def test_equal_configurations_differ_by_nothing_and_are_not_marked():
    same = configuration({0: 1.5, 1: 2.5, 2: 0.1})
    found = difference(same, same, "elbo")
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
    assert not found.excludes_zero


def test_an_interval_moves_and_grows_with_the_values():
    values = np.array([0.3, -1.2, 0.8, 2.0, 0.1])
    low, high = interval(values)
    assert interval(10 * values + 7) == pytest.approx((10 * low + 7, 10 * high + 7))
    assert interval(-values) == pytest.approx((-high, -low), rel=0.02)
    assert interval(values[::-1]) == pytest.approx((low, high))


@pytest.mark.parametrize("count", [3, 4, 5, 7, 8, 15])
def test_intervals_of_normal_values_cover_as_often_as_they_say(count: int):
    """2,000 samples: the standard error of the coverage is half a percent."""
    source = np.random.default_rng(count)
    samples = source.normal(size=(2000, count))
    ends = np.array([interval(values) for values in samples])
    covered = float(np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0)))
    assert 0.93 < covered < 0.97


def test_the_plain_percentile_interval_would_not():
    """Why the ends are moved: with five values it covers 83 % or so."""
    source = np.random.default_rng(5)
    samples = source.normal(size=(2000, 5))
    draws = source.integers(5, size=(1000, 5))
    means = samples[:, draws].mean(-1)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert float(np.mean((low <= 0) & (high >= 0))) < 0.88


@pytest.mark.parametrize("count", [5, 6, 7])
def test_resamples_that_are_drawn_agree_with_all_there_are(count: int):
    """Up to their Monte Carlo error and the steps of the exact distribution."""
    source = np.random.default_rng(count)
    for _ in range(20):
        values = source.normal(size=count)
        gaps = values - values.mean()
        tolerance = 0.2 * values.std(ddof=1)
        assert statistics._drawn(gaps) == pytest.approx(statistics._exact(gaps), abs=tolerance)


def test_an_interval_is_the_same_every_time():
    values = np.random.default_rng(0).normal(size=12)
    assert interval(values) == interval(values)


@pytest.mark.parametrize(
    ("metric", "better"), [("elbo", True), ("terms/reconstruction", False), ("rate", None)]
)
def test_a_difference_is_better_in_the_metrics_direction(metric, better):
    one = Difference(metric, configuration({}), configuration({}), (0, 1, 2), 2.0, 1.0, 4.0)
    assert one.is_better is better
    assert one.spread == Spread(2.0, 1.5, 3)
    assert replace(one, mean=0.0).is_better is None


def test_skewed_values_make_a_lopsided_interval():
    low, high = interval(np.array([0.0, 0.1, 0.2, 0.3, 9.0]))
    mean = 1.92
    assert high - mean > 1.3 * (mean - low)


def test_a_single_run_has_its_own_standard_error_and_several_their_deviation():
    (run,) = configuration({0: 1.0}).runs
    first = replace(run, errors={"elbo": 0.25})
    alone = spread(Configuration({}, (first,)), "elbo")
    assert alone is not None
    assert (alone.error, alone.uncertainty) == (0.25, 0.25)
    other = replace(run, metrics={"elbo": 3.0}, errors={"elbo": 0.5})
    both = spread(Configuration({}, (first, other)), "elbo")
    assert both is not None
    assert (both.error, both.uncertainty) == (None, pytest.approx(2**0.5))
