from __future__ import annotations

import oracles_learned as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric.beta_vae import beta_vae
from runner.metric.codes import Codes

FEW = {"train": 400, "test": 400, "batch": 8}


def test_ideal_codes_score_one():
    scores = beta_vae(synthetic.ideal(3, 4, 5, complete=True), **(FEW | {"batch": 32}), seed=0)
    assert scores == {"beta_vae": 1.0, "beta_vae/train": 1.0}


def test_all_columns_of_a_discrete_variable_are_inputs():
    assert beta_vae(synthetic.one_hot(3, 4, 5, complete=True), **FEW, seed=0)["beta_vae"] > 0.99


@pytest.mark.parametrize(
    "codes", [synthetic.noise(3, 4, 5, copies=10), synthetic.constant(3, 4, 5, complete=True)]
)
def test_codes_independent_of_the_factors_score_chance(codes: Codes):
    assert beta_vae(codes, **FEW, seed=0)["beta_vae"] == pytest.approx(1 / 3, abs=0.08)


def test_a_single_factor_scores_one():
    assert beta_vae(synthetic.noise(4, copies=10), **FEW, seed=0)["beta_vae"] == 1.0


def test_it_is_the_definition():
    codes, sizes = synthetic.mixed(3, 4, 5, noise=1.0), {"train": 1000, "test": 1500, "batch": 4}
    ours = beta_vae(codes, **sizes, seed=0)["beta_vae"]
    plain = oracle.beta_vae(codes.codes_ND, codes.factors_NF, **sizes, seed=1)
    assert 0.5 < plain < 0.95
    assert ours == pytest.approx(plain, abs=0.05)


def test_the_same_seed_gives_the_same_score_and_another_another():
    codes = synthetic.mixed(3, 4, 5, noise=1.0)
    first = beta_vae(codes, **FEW, seed=0)
    assert beta_vae(codes, **FEW, seed=0) == first
    assert beta_vae(codes, **FEW, seed=1) != first
