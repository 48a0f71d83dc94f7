"""Explicitness: its definition, known values, and factors without a classifier or a ROC curve."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric import Codes, stream
from runner.metric.explicitness import explicitness


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.random(seed=seed, sizes=(2, 6), images=600, complete=complete)
    parts = codes.split(400, 200, stream(seed, "explicitness"))
    test_score, train_score = oracle.explicitness(*((p.codes_MD, p.factors_MF) for p in parts))
    found = explicitness(codes, train=400, test=200, seed=seed)
    assert found["explicitness"] == pytest.approx(test_score, abs=1e-12)
    assert found["explicitness/train"] == pytest.approx(train_score, abs=1e-12)


def test_ideal_codes_score_almost_one():
    found = explicitness(
        synthetic.repeated(synthetic.ideal(4, 6), 100), train=1600, test=800, seed=0
    )
    assert min(found.values()) > 0.995


def test_a_rotation_does_not_matter():
    turned, straight = (
        explicitness(synthetic.repeated(codes, 60), train=1000, test=500, seed=0)["explicitness"]
        for codes in (synthetic.rotated(5), synthetic.ideal(5, 5))
    )
    assert turned == pytest.approx(straight, abs=1e-3)


def test_noise_scores_chance():
    found = explicitness(synthetic.noise(3, 4, copies=200), train=1600, test=800, seed=0)
    assert found["explicitness"] == pytest.approx(0.5, abs=0.04)


def test_constant_dimensions_change_nothing():
    codes = synthetic.random(seed=1, sizes=(2, 6))
    settings = {"train": 200, "test": 100, "seed": 0}
    with_constant, without = (
        explicitness(c, **settings) for c in (synthetic.with_constant(codes), codes)
    )
    assert with_constant == pytest.approx(without, abs=1e-3)


def test_constant_codes_score_chance():
    found = explicitness(synthetic.constant(3, 4), train=8, test=4, seed=0)
    assert found == {"explicitness": 0.5, "explicitness/train": 0.5}


def test_all_columns_of_a_discrete_variable_are_inputs():
    found = explicitness(
        synthetic.repeated(synthetic.one_hot(5, 4), 30), train=400, test=200, seed=0
    )
    assert found["explicitness"] > 0.995


def test_a_factor_with_one_training_value_scores_chance():
    rare_N = np.arange(1000) == 999
    found = explicitness(Codes.of(np.arange(1000), rare_N), train=20, test=20, seed=0)
    assert found == {"explicitness": 0.5, "explicitness/train": 0.5}


@pytest.mark.parametrize(("train", "test"), [(1, 1), (2, 1), (5, 3), (30, 10)])
def test_fewer_images_than_values_still_have_a_score(train, test):
    """Most values are missing from the training or the test images, or are their only value."""
    found = explicitness(synthetic.noise(25, 2), train=train, test=test, seed=0)
    assert all(0 <= value <= 1 for value in found.values())


def test_a_value_without_training_images_is_never_predicted():
    """All values are separated but the new one, whose ROC curve is at chance."""
    value_N = np.repeat([0, 1, 2], [20, 20, 2])
    codes = Codes.of(np.where(value_N == 2, 0, value_N), value_N)
    for seed in range(50):
        train, test = codes.split(20, 14, stream(seed, "explicitness"))
        if 2 not in train.factors_MF and 2 in test.factors_MF:
            break
    found = explicitness(codes, train=20, test=14, seed=seed)
    assert found["explicitness/train"] == 1.0
    counts = np.bincount(test.factors_MF[:, 0])
    # The new value has the codes of the first, so their images tie.
    first = 1 - counts[2] / (counts[1] + counts[2]) / 2
    assert found["explicitness"] == pytest.approx(np.mean([first, 1.0, 0.5]))


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2, sizes=(2, 6))
    settings = {"train": 100, "test": 50}
    assert explicitness(codes, **settings, seed=1) == explicitness(codes, **settings, seed=1)
    assert explicitness(codes, **settings, seed=1) != explicitness(codes, **settings, seed=2)
