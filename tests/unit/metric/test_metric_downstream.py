from __future__ import annotations

import numpy as np
import oracles_learned as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric.codes import Codes, stream
from runner.metric.downstream import downstream_boosted, downstream_logistic
from runner.metric.trees import Trees


def test_logistic_regression_is_the_definition():
    codes = synthetic.mixed(3, 4, noise=1.0)
    scores = downstream_logistic(codes, train=[20, 60], test=50, seed=3)
    for size in (20, 60):
        parts = codes.split(size, 50, stream(3, f"downstream_logistic/{size}"))
        plain = oracle.downstream_logistic(*parts)
        assert scores[f"downstream_logistic/{size}"] == plain[:, 1].mean()
        assert scores[f"downstream_logistic/{size}_min"] == plain[:, 1].min()
        assert scores[f"downstream_logistic/{size}_train"] == plain[:, 0].mean()


def test_more_training_images_give_a_higher_accuracy():
    scores = downstream_logistic(
        synthetic.ideal(3, 4, complete=True), train=[10, 200], test=100, seed=0
    )
    assert scores["downstream_logistic/10"] < scores["downstream_logistic/200"]
    assert scores["downstream_logistic/200"] > 0.95


def test_codes_independent_of_the_factors_have_chance_accuracy():
    scores = downstream_logistic(synthetic.noise(3, 5, copies=10), train=[80], test=60, seed=0)
    assert scores["downstream_logistic/80"] == pytest.approx((1 / 3 + 1 / 5) / 2, abs=0.12)


@pytest.mark.parametrize("score", [downstream_logistic, downstream_boosted])
def test_classes_missing_from_few_images_raise_no_warning(score):
    """Ten images have at most ten of the 40 classes, and a fold has fewer."""
    factors = np.stack([np.arange(120) % 40, np.arange(120) % 2], axis=1)
    codes = Codes.of(factors + np.array([0.1, 0.2]), factors)
    scores = score(codes, train=[1, 2, 3, 10], test=30, seed=0)
    assert all(0 <= value <= 1 for value in scores.values())


@pytest.mark.parametrize("seed", range(8))
def test_a_fold_may_have_a_single_class(seed: int):
    """With one image of the rare class, the training part of one fold has a single class."""
    factors = np.array([0] * 29 + [1])
    scores = downstream_logistic(Codes.of(factors + 0.5, factors), train=[19], test=9, seed=seed)
    assert all(np.isfinite(value) for value in scores.values())


def test_constant_codes_have_chance_accuracy():
    scores = downstream_logistic(
        synthetic.constant(2, 2, complete=True), train=[40], test=40, seed=0
    )
    assert scores["downstream_logistic/40"] == pytest.approx(0.5, abs=0.2)


def test_efficiency_is_the_accuracy_over_that_from_ten_thousand(monkeypatch: pytest.MonkeyPatch):
    reached = {10: 0.2, 100: 0.3, 1000: 0.45, 10_000: 0.6}

    def boosted(codes, train, *, test, seed):
        return [Trees(np.eye(2), np.ones(2), np.array([0.0, 2 * reached[s]])) for s in train]

    monkeypatch.setattr("runner.metric.downstream.boosted", boosted)
    all_four = downstream_boosted(
        synthetic.ideal(2, 3, complete=True), train=[10, 100, 1000, 10_000], test=9, seed=0
    )
    assert all_four["downstream_boosted/efficiency_100"] == pytest.approx(0.5)
    assert all_four["downstream_boosted/efficiency_1000"] == pytest.approx(0.75)
    assert all_four["downstream_boosted/100_min"] == 0
    some = downstream_boosted(
        synthetic.ideal(2, 3, complete=True), train=[100, 1000], test=9, seed=0
    )
    assert not [key for key in some if "efficiency" in key]
    reached.update({100: 0.0, 10_000: 0.0})
    none = downstream_boosted(
        synthetic.ideal(2, 3, complete=True), train=[100, 10_000], test=9, seed=0
    )
    assert none["downstream_boosted/efficiency_100"] == 0


def test_a_size_does_not_depend_on_the_other_sizes():
    codes = synthetic.mixed(3, 4, noise=1.0)
    alone = downstream_logistic(codes, train=[30], test=40, seed=0)
    among = downstream_logistic(codes, train=[10, 30], test=40, seed=0)
    assert alone.items() <= among.items()


def test_the_number_of_workers_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    found = []
    for workers in ("1", "8"):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", workers)
        codes = synthetic.mixed(3, 4, noise=1.0)
        found.append(downstream_logistic(codes, train=[10, 60], test=50, seed=0))
    assert found[0] == found[1]
