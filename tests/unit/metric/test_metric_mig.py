"""The mutual information gap: its definition, what theory says of it, and codes that are not."""

from __future__ import annotations

import made_codes as made
import numpy as np
import oracles_histogram as oracle
import pytest

from runner.errors import UsageError
from runner.metric import Codes, stream
from runner.metric.mig import mig

SETTINGS = {"samples": 10_000, "bins": 20, "seed": 0}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = made.random(seed=seed, complete=complete)
    drawn = codes.sample(300, stream(seed, "mig"))
    found = mig(codes, samples=300, bins=20, seed=seed)
    expected_F = oracle.mig_by_factor(drawn.codes_MD, drawn.factors_MF)
    assert found["mig"] == pytest.approx(oracle.mig(drawn.codes_MD, drawn.factors_MF), abs=1e-12)
    by_factor = {f"mig/factor_{f}": pytest.approx(g, abs=1e-12) for f, g in enumerate(expected_F)}
    assert {name: value for name, value in found.items() if name != "mig"} == by_factor


def test_ideal_codes_have_one():
    found = mig(made.ideal(3, 20, 2), **SETTINGS)
    assert found.keys() == {"mig", "mig/factor_0", "mig/factor_1", "mig/factor_2"}
    assert list(found.values()) == pytest.approx([1.0] * 4)


def test_ideal_codes_of_more_values_than_bins_fall_short():
    found = mig(made.ideal(40, 2), **SETTINGS)
    assert found["mig/factor_0"] == pytest.approx(np.log(20) / np.log(40))


def test_a_turn_by_45_degrees_leaves_no_gap():
    assert mig(made.rotated(16), **SETTINGS)["mig"] == pytest.approx(0.0, abs=1e-12)


def test_noise_has_almost_none():
    assert 0 <= mig(made.noise(3, 4, copies=500), **SETTINGS)["mig"] < 0.02


def test_copying_a_dimension_closes_every_gap():
    codes = made.ideal(3, 4)
    twice = Codes.of(np.tile(codes.codes_ND, (1, 2)), codes.factors_NF)
    assert mig(twice, **SETTINGS)["mig"] == 0.0


def test_a_dead_dimension_changes_nothing():
    codes = made.random(seed=1)
    assert mig(made.with_dead(codes), **SETTINGS) == mig(codes, **SETTINGS)


def test_codes_that_are_all_dead_have_none():
    assert set(mig(made.all_dead(3, 4), **SETTINGS).values()) == {0.0}


def test_a_discrete_variable_is_one_variable():
    assert mig(made.one_hot(5, 4, 3), **SETTINGS)["mig"] == pytest.approx(1.0)


def test_a_lone_variable_s_gap_is_all_it_knows():
    values = np.arange(12)
    assert mig(Codes.of(values, values // 3), **SETTINGS)["mig"] == pytest.approx(1.0)


def test_a_factor_that_does_not_vary_among_the_images_drawn_is_left_out():
    rare_N2 = np.array([[i % 4, i == 999] for i in range(1000)])
    found = mig(Codes.of(rare_N2[:, :1], rare_N2), samples=20, bins=20, seed=0)
    assert found == {"mig": pytest.approx(1.0), "mig/factor_0": pytest.approx(1.0)}
    with pytest.raises(UsageError, match="no factor varies"):
        mig(Codes.of(rare_N2, rare_N2), samples=1, bins=20, seed=0)


def test_the_seed_decides_the_draw():
    codes = made.random(seed=2)
    settings = {"samples": 100, "bins": 20}
    assert mig(codes, **settings, seed=1) == mig(codes, **settings, seed=1)
    assert mig(codes, **settings, seed=1) != mig(codes, **settings, seed=2)
