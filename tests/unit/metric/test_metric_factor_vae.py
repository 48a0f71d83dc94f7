from __future__ import annotations

import numpy as np
import oracles_learned as oracle
import pytest
import synthetic_codes as synthetic

from runner.errors import UsageError
from runner.metric.codes import Codes
from runner.metric.factor_vae import factor_vae

FEW = {"train": 400, "test": 400, "batch": 16, "variance_samples": 500, "least_spread": 0.05}


def test_ideal_codes_score_one():
    factors = synthetic.grid(3, 4, 5)
    codes = Codes.of(factors[:, [2, 0, 1]] * [-3, 0.5, 2], factors, complete=True)
    scores = factor_vae(codes, **FEW, seed=0)
    assert scores == {"factor_vae": 1.0, "factor_vae/train": 1.0, "factor_vae/active_variables": 3}


def test_two_factors_rotated_by_45_degrees_score_chance():
    """With either factor fixed, both dimensions keep half their variance."""
    factors = synthetic.grid(6, 6)
    codes = Codes.of(factors @ [[1, 1], [1, -1]], factors, complete=True)
    assert factor_vae(codes, **FEW, seed=0)["factor_vae"] == pytest.approx(0.5, abs=0.08)


def test_noise_scores_chance():
    score = factor_vae(synthetic.noise(3, 4, 5, copies=10), **FEW, seed=0)["factor_vae"]
    assert score == pytest.approx(1 / 3, abs=0.08)


def test_an_inactive_dimension_has_no_vote():
    factors, source = synthetic.grid(3, 4), np.random.default_rng(0)
    inactive = 1e-3 * source.normal(size=(len(factors), 1))
    codes = Codes.of(np.concatenate([inactive, factors], axis=1), factors, complete=True)
    scores = factor_vae(codes, **FEW, seed=0)
    assert scores["factor_vae/active_variables"] == 2
    assert scores["factor_vae"] == 1.0


@pytest.mark.parametrize("least_spread", [0.0, 0.05])
def test_without_an_active_variable_the_score_is_zero(least_spread: float):
    codes = Codes.of(np.zeros((12, 3)), synthetic.grid(3, 4), complete=True)
    scores = factor_vae(codes, **(FEW | {"least_spread": least_spread}), seed=0)
    assert scores == {"factor_vae": 0, "factor_vae/train": 0, "factor_vae/active_variables": 0}


def test_a_discrete_variable_votes_as_one():
    scores = factor_vae(synthetic.one_hot(3, 4, 5, complete=True), **FEW, seed=0)
    assert scores["factor_vae/active_variables"] == 3
    assert scores["factor_vae"] == 1.0


def test_a_batch_of_one_is_refused():
    with pytest.raises(UsageError, match="at least two images"):
        factor_vae(synthetic.ideal(3, 4, complete=True), **(FEW | {"batch": 1}), seed=0)


def test_it_is_the_definition():
    codes = synthetic.mixed(3, 4, 5, noise=1.0)
    sizes = FEW | {"train": 800, "test": 2000}
    ours = factor_vae(codes, **sizes, seed=0)["factor_vae"]
    plain = oracle.factor_vae(codes.codes_ND, codes.factors_NF, **sizes, seed=1)
    assert 0.4 < plain < 0.95
    assert ours == pytest.approx(plain, abs=0.05)


def test_the_same_seed_gives_the_same_score_and_another_another():
    codes = synthetic.mixed(3, 4, 5, noise=1.0)
    first = factor_vae(codes, **FEW, seed=0)
    assert factor_vae(codes, **FEW, seed=0) == first
    assert factor_vae(codes, **FEW, seed=1) != first
