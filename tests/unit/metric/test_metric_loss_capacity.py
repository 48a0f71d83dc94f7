"""The explicitness of a loss-capacity curve: three known curves, and the authors' sum."""

from __future__ import annotations

import numpy as np
import oracles_probing as oracles
import pytest

from runner.metric.loss_capacity import explicitness_of

CAPACITY = np.array([1.0, 2.0, 4.0, 5.0])


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ([0.1, 0.1, 0.1, 0.1], 1),
        ([0.8, 0.6, 0.2, 0.0], 0),
        ([0.8, 0.9, 0.8, 0.8], 1),  # no capacity says anything
        ([0.1, 0.5, 0.5, 0.5], 1),  # a larger probe does not do worse
        ([9.0, 9.0, 9.0, 0.0], -0.75),  # at the baseline for three quarters, then a straight line
    ],
)
def test_known_curves(loss: list[float], expected: float):
    assert explicitness_of(CAPACITY, np.array(loss), 0.8) == pytest.approx(expected)


def test_a_curve_that_falls_at_the_end_has_minus_one():
    found = explicitness_of(np.array([0, 1 - 1e-9, 1.0]), np.array([1.0, 1.0, 0.0]), 1.0)
    assert found == pytest.approx(-1)


def test_probes_of_one_capacity_are_as_good_as_any():
    assert explicitness_of(np.array([2.0, 2.0]), np.array([1.0, 0.2]), 1.0) == 1


def test_the_order_of_the_probes_does_not_count():
    shuffled = np.array([2, 0, 3, 1])
    loss = np.array([0.7, 0.6, 0.2, 0.0])
    found = explicitness_of(CAPACITY[shuffled], loss[shuffled], 0.8)
    assert found == explicitness_of(CAPACITY, loss, 0.8)


@pytest.mark.parametrize("pair", [[0.7, 0.3], [0.3, 0.7]])
def test_of_equal_capacities_the_lowest_loss_counts(pair: list[float]):
    found = explicitness_of(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.8, *pair, 0.0]), 0.8)
    expected = explicitness_of(np.array([1.0, 2.0, 3.0]), np.array([0.8, 0.3, 0.0]), 0.8)
    assert found == pytest.approx(expected)


def test_any_curve_below_the_baseline_is_as_the_authors_add_it_up():
    source = np.random.default_rng(0)
    for _ in range(20):
        loss, capacity = source.uniform(0, 0.7, 6), np.cumsum(source.uniform(0.1, 2, 6))
        expected = oracles.explicitness(capacity.tolist(), loss.tolist(), 0.75)
        assert explicitness_of(capacity, loss, 0.75) == pytest.approx(expected, abs=1e-12)
        assert -1 <= expected <= 1
