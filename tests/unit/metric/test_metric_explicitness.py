"""Explicitness: its definition, what theory says of it, and what has no classifier or no curve."""

from __future__ import annotations

import made_codes as made
import numpy as np
import oracles_histogram as oracle
import pytest

from runner.metric import Codes, stream
from runner.metric.explicitness import explicitness


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_definition(seed, complete):
    codes = made.random(seed=seed, sizes=(2, 6), images=600, complete=complete)
    parts = codes.split(400, 200, stream(seed, "explicitness"))
    judged, learned = oracle.explicitness(*((p.codes_MD, p.factors_MF) for p in parts))
    found = explicitness(codes, train=400, test=200, seed=seed)
    assert found["explicitness"] == pytest.approx(judged, abs=1e-12)
    assert found["explicitness/train"] == pytest.approx(learned, abs=1e-12)


def test_ideal_codes_have_almost_one():
    found = explicitness(made.repeated(made.ideal(4, 6), 100), train=1600, test=800, seed=0)
    assert min(found.values()) > 0.995


def test_a_turn_does_not_matter():
    turned, straight = (
        explicitness(made.repeated(codes, 60), train=1000, test=500, seed=0)["explicitness"]
        for codes in (made.rotated(5), made.ideal(5, 5))
    )
    assert turned == pytest.approx(straight, abs=1e-3)


def test_noise_is_judged_no_better_than_chance():
    found = explicitness(made.noise(3, 4, copies=200), train=1600, test=800, seed=0)
    assert found["explicitness"] == pytest.approx(0.5, abs=0.04)


def test_dead_dimensions_change_nothing():
    codes = made.random(seed=1, sizes=(2, 6))
    settings = {"train": 200, "test": 100, "seed": 0}
    dead, alive = (explicitness(c, **settings) for c in (made.with_dead(codes), codes))
    assert dead == pytest.approx(alive, abs=1e-3)


def test_codes_that_are_all_dead_are_chance():
    found = explicitness(made.all_dead(3, 4), train=8, test=4, seed=0)
    assert found == {"explicitness": 0.5, "explicitness/train": 0.5}


def test_all_columns_of_a_discrete_variable_are_seen():
    found = explicitness(made.repeated(made.one_hot(5, 4), 30), train=400, test=200, seed=0)
    assert found["explicitness"] > 0.995


def test_a_factor_with_one_value_to_learn_from_is_chance():
    rare_N = np.arange(1000) == 999
    found = explicitness(Codes.of(np.arange(1000), rare_N), train=20, test=20, seed=0)
    assert found == {"explicitness": 0.5, "explicitness/train": 0.5}


@pytest.mark.parametrize(("train", "test"), [(1, 1), (2, 1), (5, 3), (30, 10)])
def test_fewer_images_than_values_still_have_a_score(train, test):
    """Most values are then missing from a part, or are alone in it."""
    found = explicitness(made.noise(25, 2), train=train, test=test, seed=0)
    assert all(0 <= value <= 1 for value in found.values())


def test_a_value_that_was_not_learned_is_predicted_by_none():
    """Told apart perfectly but for the value that is new, whose curve is that of chance."""
    value_N = np.repeat([0, 1, 2], [20, 20, 2])
    codes = Codes.of(np.where(value_N == 2, 0, value_N), value_N)
    for seed in range(50):
        learn, judge = codes.split(20, 14, stream(seed, "explicitness"))
        if 2 not in learn.factors_MF and 2 in judge.factors_MF:
            break
    found = explicitness(codes, train=20, test=14, seed=seed)
    assert found["explicitness/train"] == 1.0
    counts = np.bincount(judge.factors_MF[:, 0])
    # The new value looks like the first: with it every image of the value ties.
    first = 1 - counts[2] / (counts[1] + counts[2]) / 2
    assert found["explicitness"] == pytest.approx(np.mean([first, 1.0, 0.5]))


def test_the_seed_decides_the_draw():
    codes = made.random(seed=2, sizes=(2, 6))
    settings = {"train": 100, "test": 50}
    assert explicitness(codes, **settings, seed=1) == explicitness(codes, **settings, seed=1)
    assert explicitness(codes, **settings, seed=1) != explicitness(codes, **settings, seed=2)
