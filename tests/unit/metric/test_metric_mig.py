"""The mutual information gap: its definition, known values, and degenerate codes."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.errors import UsageError
from runner.metric import Codes, stream
from runner.metric.mig import mig

SETTINGS = {"samples": 10_000, "bins": 20, "seed": 0}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.random(seed=seed, complete=complete)
    drawn = codes.sample(300, stream(seed, "mig"))
    found = mig(codes, samples=300, bins=20, seed=seed)
    expected_F = oracle.mig_by_factor(drawn.codes_MD, drawn.factors_MF)
    assert found["mig"] == pytest.approx(oracle.mig(drawn.codes_MD, drawn.factors_MF), abs=1e-12)
    by_factor = {f"mig/factor_{f}": pytest.approx(g, abs=1e-12) for f, g in enumerate(expected_F)}
    assert {name: value for name, value in found.items() if name != "mig"} == by_factor


def test_ideal_codes_score_one():
    found = mig(synthetic.ideal(3, 20, 2), **SETTINGS)
    assert found.keys() == {"mig", "mig/factor_0", "mig/factor_1", "mig/factor_2"}
    assert list(found.values()) == pytest.approx([1.0] * 4)


def test_ideal_codes_with_more_values_than_bins_score_below_one():
    found = mig(synthetic.ideal(40, 2), **SETTINGS)
    assert found["mig/factor_0"] == pytest.approx(np.log(20) / np.log(40))


def test_codes_rotated_by_45_degrees_have_no_gap():
    assert mig(synthetic.rotated(16), **SETTINGS)["mig"] == pytest.approx(0.0, abs=1e-12)


def test_noise_has_almost_no_gap():
    assert 0 <= mig(synthetic.noise(3, 4, copies=500), **SETTINGS)["mig"] < 0.02


def test_duplicated_dimensions_have_no_gap():
    codes = synthetic.ideal(3, 4)
    twice = Codes.of(np.tile(codes.codes_ND, (1, 2)), codes.factors_NF)
    assert mig(twice, **SETTINGS)["mig"] == 0.0


def test_a_constant_dimension_changes_nothing():
    codes = synthetic.random(seed=1)
    assert mig(synthetic.with_constant(codes), **SETTINGS) == mig(codes, **SETTINGS)


def test_constant_codes_have_no_gap():
    assert set(mig(synthetic.constant(3, 4), **SETTINGS).values()) == {0.0}


def test_a_discrete_variable_is_one_variable():
    assert mig(synthetic.one_hot(5, 4, 3), **SETTINGS)["mig"] == pytest.approx(1.0)


def test_the_gap_of_a_single_variable_is_its_mutual_information():
    values = np.arange(12)
    assert mig(Codes.of(values, values // 3), **SETTINGS)["mig"] == pytest.approx(1.0)


def test_a_factor_that_does_not_vary_among_the_images_drawn_is_left_out():
    rare_N2 = np.array([[i % 4, i == 999] for i in range(1000)])
    found = mig(Codes.of(rare_N2[:, :1], rare_N2), samples=20, bins=20, seed=0)
    assert found == {"mig": pytest.approx(1.0), "mig/factor_0": pytest.approx(1.0)}
    with pytest.raises(UsageError, match="no factor varies"):
        mig(Codes.of(rare_N2, rare_N2), samples=1, bins=20, seed=0)


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2)
    settings = {"samples": 100, "bins": 20}
    assert mig(codes, **settings, seed=1) == mig(codes, **settings, seed=1)
    assert mig(codes, **settings, seed=1) != mig(codes, **settings, seed=2)
