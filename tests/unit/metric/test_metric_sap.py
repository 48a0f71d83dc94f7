"""Separated attribute predictability: its definition, known values, and degenerate codes."""

from __future__ import annotations

import joblib
import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric import Codes, stream
from runner.metric.sap import sap


def parts_of(codes, train, test, seed):
    parts = codes.split(train, test, stream(seed, "sap"))
    return [(part.codes_MD, part.factors_MF) for part in parts]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.random(seed=seed, sizes=(2, 6), complete=complete)
    parts = parts_of(codes, 250, 120, seed)
    found = sap(codes, train=250, test=120, seed=seed)
    assert found["sap"] == pytest.approx(oracle.sap(*parts))
    gap_F = oracle.sap_by_factor(*parts)
    assert [found["sap/factor_0"], found["sap/factor_1"]] == pytest.approx(list(gap_F))
    assert len(found) == 3


def test_the_machine_is_that_of_coordinate_descent():
    """Both have the same optimum, up to their stopping criteria."""
    codes = synthetic.random(seed=3, sizes=(2, 6), images=2000)
    parts = parts_of(codes, 1300, 600, 3)
    gap_F = oracle.sap_by_factor(*parts, dual=True, random_state=0, max_iter=100_000)
    found = sap(codes, train=1300, test=600, seed=3)
    assert [found["sap/factor_0"], found["sap/factor_1"]] == pytest.approx(list(gap_F), abs=0.01)


def test_ideal_codes_of_two_values_score_a_half():
    """The best variable has accuracy 1, any other one half."""
    factors_NF = synthetic.grid(2, 2, 2)
    codes = synthetic.repeated(Codes.of(factors_NF * 2.0 - 1.0, factors_NF), 200)
    found = sap(codes, train=1000, test=500, seed=0)
    assert found["sap"] == pytest.approx(0.5, abs=0.06)


def test_rotated_codes_and_noise_have_almost_no_gap():
    for codes in (synthetic.repeated(synthetic.rotated(2), 400), synthetic.noise(2, 3, copies=250)):
        assert 0 <= sap(codes, train=1000, test=500, seed=0)["sap"] < 0.06


def test_all_columns_of_a_discrete_variable_are_inputs():
    """No single column separates three values."""
    together = synthetic.repeated(synthetic.one_hot(3, 4), 50)
    apart = Codes.of(together.codes_ND, together.factors_NF)
    found, one_by_one = (sap(c, train=400, test=200, seed=0) for c in (together, apart))
    assert found["sap/factor_0"] > 0.5 > one_by_one["sap/factor_0"]


def test_the_gap_of_a_single_variable_is_its_accuracy():
    side_N = np.arange(200) % 2
    assert sap(Codes.of(side_N * 2.0 - 1.0, side_N), train=100, test=50, seed=0)["sap"] == 1.0


def test_constant_dimensions_have_no_gap():
    found = sap(synthetic.constant(3, 4), train=8, test=4, seed=0)
    assert set(found.values()) == {0.0}


def test_a_single_training_value_is_always_predicted():
    rare_N = np.arange(1000) == 999
    alone = sap(Codes.of(np.arange(1000), rare_N), train=20, test=20, seed=0)
    assert alone == {"sap": 1.0, "sap/factor_0": 1.0}
    both = sap(Codes.of(np.arange(2000).reshape(1000, 2), rare_N), train=20, test=20, seed=0)
    assert both == {"sap": 0.0, "sap/factor_0": 0.0}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("tiny_or_huge", [1e-300, 1e-250, 1e-170, 1e90, 1e300])
def test_the_fit_to_numbers_beyond_single_precision_terminates(tiny_or_huge):
    codes = Codes.of([0.0, tiny_or_huge] * 4, [0, 1] * 4)
    assert 0 <= sap(codes, train=6, test=2, seed=0)["sap"] <= 1


@pytest.mark.parametrize(("train", "test"), [(1, 1), (2, 1), (5, 3), (30, 10)])
def test_fewer_images_than_values_still_have_a_score(train, test):
    found = sap(synthetic.noise(25, 2), train=train, test=test, seed=0)
    assert all(0 <= value <= 1 for value in found.values())


def test_cores_do_not_change_it():
    codes = synthetic.random(seed=4, sizes=(2, 6))
    settings = {"train": 250, "test": 120, "seed": 0}
    with joblib.parallel_config(backend="sequential"):
        alone = sap(codes, **settings)
    with joblib.parallel_config(backend="threading", n_jobs=3):
        together = sap(codes, **settings)
    assert sap(codes, **settings) == alone == together


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2, sizes=(2, 6))
    settings = {"train": 100, "test": 50}
    assert sap(codes, **settings, seed=1) == sap(codes, **settings, seed=1)
    assert sap(codes, **settings, seed=1) != sap(codes, **settings, seed=2)
