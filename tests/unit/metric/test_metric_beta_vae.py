from __future__ import annotations

import codes_learned as make
import oracles_learned as oracle
import pytest

from runner.metric.beta_vae import beta_vae
from runner.metric.codes import Codes

FEW = {"train": 400, "test": 400, "batch": 8}


def test_ideal_codes_score_one():
    scores = beta_vae(make.ideal(3, 4, 5), **(FEW | {"batch": 32}), seed=0)
    assert scores == {"beta_vae": 1.0, "beta_vae/train": 1.0}


def test_a_discrete_variable_is_seen_in_all_its_columns():
    assert beta_vae(make.one_hot(3, 4, 5), **FEW, seed=0)["beta_vae"] > 0.99


@pytest.mark.parametrize("codes", [make.unrelated(3, 4, 5), make.constant(3, 4, 5)])
def test_codes_that_know_nothing_score_chance(codes: Codes):
    assert beta_vae(codes, **FEW, seed=0)["beta_vae"] == pytest.approx(1 / 3, abs=0.08)


def test_a_single_factor_is_always_named():
    assert beta_vae(make.unrelated(4), **FEW, seed=0)["beta_vae"] == 1.0


def test_it_is_the_definition():
    codes, sizes = make.mixed(3, 4, 5, noise=1.0), {"train": 1000, "test": 1500, "batch": 4}
    ours = beta_vae(codes, **sizes, seed=0)["beta_vae"]
    plain = oracle.beta_vae(codes.codes_ND, codes.factors_NF, **sizes, seed=1)
    assert 0.5 < plain < 0.95
    assert ours == pytest.approx(plain, abs=0.05)


def test_the_same_seed_gives_the_same_score_and_another_another():
    codes = make.mixed(3, 4, 5, noise=1.0)
    first = beta_vae(codes, **FEW, seed=0)
    assert beta_vae(codes, **FEW, seed=0) == first
    assert beta_vae(codes, **FEW, seed=1) != first
