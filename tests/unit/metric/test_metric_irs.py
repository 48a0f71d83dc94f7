"""Interventional robustness: its definition, what theory says of it, and codes that are dead."""

from __future__ import annotations

import made_codes as made
import numpy as np
import oracles_histogram as oracle
import pytest

from runner.errors import UsageError
from runner.metric import Codes, Variable, stream
from runner.metric.irs import irs

SETTINGS = {"samples": 10_000, "bins": 20, "quantile": 0.99, "seed": 0}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = made.random(seed=seed, complete=complete)
    drawn = codes.sample(300, stream(seed, "irs"))
    found = irs(codes, samples=300, bins=20, quantile=0.99, seed=seed)
    expected = oracle.irs(drawn.codes_MD, drawn.factors_MF)
    assert found["irs"] == pytest.approx(expected, abs=1e-12)


def test_ideal_codes_have_one():
    found = irs(made.ideal(3, 20, 2), **SETTINGS)
    assert found == {name: pytest.approx(1.0) for name in ("irs", "irs/z_0", "irs/z_1", "irs/z_2")}


def test_factors_of_more_values_than_bins_share_them():
    """Two neighbours of 40 values are half a step from their mean, of 19.5 steps at most."""
    found = irs(made.ideal(40, 2), **SETTINGS)
    assert found["irs/z_1"] == pytest.approx(1 - 0.5 / 19.5)


def test_turned_codes_move_half_as_far_while_a_factor_stays():
    found = irs(made.rotated(16), **{**SETTINGS, "quantile": 1.0})
    assert found["irs"] == pytest.approx(0.5)


def test_noise_moves_as_far_whatever_stays():
    found = irs(made.noise(3, 4, copies=500), **{**SETTINGS, "quantile": 1.0})
    assert abs(found["irs"]) < 0.15


def test_variables_weigh_as_much_as_they_move():
    factors_NF = made.grid(2, 16)
    mixed_N = factors_NF[:, 1] + 15 * factors_NF[:, 0] * np.arange(32) / 31
    codes = Codes.of(np.stack([factors_NF[:, 1] * 100, mixed_N], axis=1), factors_NF)
    found = irs(codes, **SETTINGS)
    weights = np.abs(codes.codes_ND - codes.codes_ND.mean(0)).max(0)
    expected = np.average([found["irs/z_0"], found["irs/z_1"]], weights=weights)
    assert found["irs"] == pytest.approx(expected)
    assert found["irs"] > np.mean([found["irs/z_0"], found["irs/z_1"]])


def test_a_dead_dimension_is_left_out():
    codes = made.random(seed=1)
    assert irs(made.with_dead(codes), **SETTINGS) == irs(codes, **SETTINGS)
    assert irs(made.all_dead(3, 4), **SETTINGS) == {"irs": 0.0}


def test_the_deviation_of_a_discrete_variable_is_a_length():
    assert irs(made.one_hot(5, 4, 3), **SETTINGS)["irs"] == pytest.approx(1.0)
    # A square's corners and its centre: two columns together, turned so that one alone is enough.
    factors_NF = made.grid(2, 2)
    line_N = np.array([-2.0, 0.0, 0.0, 2.0])
    together = Codes.of(
        np.stack([line_N * 0.6, line_N * 0.8], axis=1),
        factors_NF,
        variables=[Variable("class", slice(0, 2))],
    )
    found = irs(together, **SETTINGS)["irs"]
    assert found == pytest.approx(irs(Codes.of(line_N, factors_NF), **SETTINGS)["irs"])
    assert found == pytest.approx(0.5)


def test_it_needs_a_factor_that_varies_among_the_images_drawn():
    with pytest.raises(UsageError, match="no factor varies"):
        irs(made.ideal(3, 4), **{**SETTINGS, "samples": 1})


def test_the_seed_decides_the_draw():
    codes = made.random(seed=2)
    settings = {**SETTINGS, "samples": 100}
    assert irs(codes, **settings) == irs(codes, **settings)
    assert irs(codes, **settings) != irs(codes, **{**settings, "seed": 2})
