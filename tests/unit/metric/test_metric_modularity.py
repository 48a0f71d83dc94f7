"""Modularity: its definition, known values, and degenerate codes."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.errors import UsageError
from runner.metric import Codes, stream
from runner.metric.modularity import modularity

SETTINGS = {"samples": 10_000, "bins": 20, "seed": 0}


def score(codes, **settings):
    found = modularity(codes, **{**SETTINGS, **settings})
    assert found.keys() == {"modularity"}
    return found["modularity"]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.with_constant(synthetic.random(seed=seed, complete=complete))
    drawn = codes.sample(300, stream(seed, "modularity"))
    expected = oracle.modularity(drawn.codes_MD, drawn.factors_MF)
    assert score(codes, samples=300, seed=seed) == pytest.approx(expected, abs=1e-12)


def test_ideal_and_duplicated_codes_score_one():
    codes = synthetic.ideal(3, 20, 2)
    assert score(codes) == pytest.approx(1.0)
    twice = Codes.of(np.tile(codes.codes_ND, (1, 2)), codes.factors_NF)
    assert score(twice) == pytest.approx(1.0)


def test_equal_information_with_every_factor_scores_zero():
    assert score(synthetic.rotated(16)) == pytest.approx(0.0, abs=1e-12)


def test_a_constant_dimension_counts_as_zero():
    assert score(synthetic.with_constant(synthetic.ideal(3, 4))) == pytest.approx(2 / 3)
    assert score(synthetic.constant(3, 4)) == 0.0


def test_a_discrete_variable_is_one_variable():
    assert score(synthetic.one_hot(5, 4, 3)) == pytest.approx(1.0)


def test_it_needs_two_factors_that_vary():
    values = np.arange(12)
    with pytest.raises(UsageError, match="two factors that vary"):
        score(Codes.of(values, values // 3))
    with pytest.raises(UsageError, match="no factor varies"):
        score(synthetic.ideal(3, 4), samples=1)


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2)
    assert score(codes, samples=100, seed=1) == score(codes, samples=100, seed=1)
    assert score(codes, samples=100, seed=1) != score(codes, samples=100, seed=2)
