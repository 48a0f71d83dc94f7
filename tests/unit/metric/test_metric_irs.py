"""Interventional robustness: its definition, known values, and constant codes."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.errors import UsageError
from runner.metric import Codes, Variable, stream
from runner.metric.irs import irs

SETTINGS = {"samples": 10_000, "bins": 20, "quantile": 0.99, "seed": 0}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.random(seed=seed, complete=complete)
    drawn = codes.sample(300, stream(seed, "irs"))
    found = irs(codes, samples=300, bins=20, quantile=0.99, seed=seed)
    expected = oracle.irs(drawn.codes_MD, drawn.factors_MF)
    assert found["irs"] == pytest.approx(expected, abs=1e-12)


def test_ideal_codes_score_one():
    found = irs(synthetic.ideal(3, 20, 2), **SETTINGS)
    assert found == {name: pytest.approx(1.0) for name in ("irs", "irs/z_0", "irs/z_1", "irs/z_2")}


def test_values_share_bins_where_there_are_fewer_bins():
    """Two of 40 values share a bin: 0.5 from their mean, where the largest deviation is 19.5."""
    found = irs(synthetic.ideal(40, 2), **SETTINGS)
    assert found["irs/z_1"] == pytest.approx(1 - 0.5 / 19.5)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 100], [0, 1, 2, 3, 4, 9, 10, 11, 50, 51, 52, 53, *range(60, 90)], [-3.5, 0.25, 7.0]],
)
def test_values_with_gaps_are_binned_as_they_are_given(values):
    """As the code of Locatello et al. bins them: by histogram, and not by their order."""
    source = np.random.default_rng(0)
    factors_NF = source.choice(values, size=(500, 2))
    codes_ND = factors_NF * [1.0, 0.2] + factors_NF[:, ::-1] * 0.1 + source.normal(size=(500, 2))
    codes = Codes.of(codes_ND, factors_NF, factor_bins=1000)
    drawn = codes.sample(10_000, stream(0, "irs"))
    given_MF = np.take_along_axis(np.sort(np.array(values))[:, None], drawn.factors_MF, axis=0)
    found = irs(codes, **SETTINGS)["irs"]
    assert found == pytest.approx(oracle.irs(drawn.codes_MD, given_MF), abs=1e-12)


def test_values_that_are_close_to_each_other_share_a_bin():
    """0 and 1 of 0, 1 and 100 are one value: the code of one half moves by its distance."""
    factors_NF = np.array([[value, other] for value in (0, 1, 100) for other in (0, 1)])
    found = irs(Codes.of(factors_NF[:, :1], factors_NF), **{**SETTINGS, "quantile": 1.0})
    largest = 100 - factors_NF[:, 0].mean()
    assert found["irs"] == pytest.approx(1 - (0.5 + 0) / 2 / largest)


def test_rotated_codes_change_half_as_much_while_a_factor_is_fixed():
    found = irs(synthetic.rotated(16), **{**SETTINGS, "quantile": 1.0})
    assert found["irs"] == pytest.approx(0.5)


def test_noise_changes_as_much_while_a_factor_is_fixed():
    found = irs(synthetic.noise(3, 4, copies=500), **{**SETTINGS, "quantile": 1.0})
    assert abs(found["irs"]) < 0.15


def test_variables_are_weighted_by_their_largest_deviation():
    factors_NF = synthetic.grid(2, 16)
    mixed_N = factors_NF[:, 1] + 15 * factors_NF[:, 0] * np.arange(32) / 31
    codes = Codes.of(np.stack([factors_NF[:, 1] * 100, mixed_N], axis=1), factors_NF)
    found = irs(codes, **SETTINGS)
    weights = np.abs(codes.codes_ND - codes.codes_ND.mean(0)).max(0)
    expected = np.average([found["irs/z_0"], found["irs/z_1"]], weights=weights)
    assert found["irs"] == pytest.approx(expected)
    assert found["irs"] > np.mean([found["irs/z_0"], found["irs/z_1"]])


def test_a_constant_dimension_is_left_out():
    codes = synthetic.random(seed=1)
    assert irs(synthetic.with_constant(codes), **SETTINGS) == irs(codes, **SETTINGS)
    assert irs(synthetic.constant(3, 4), **SETTINGS) == {"irs": 0.0}


def test_the_deviation_of_a_discrete_variable_is_a_length():
    assert irs(synthetic.one_hot(5, 4, 3), **SETTINGS)["irs"] == pytest.approx(1.0)
    # The corners and the centre of a square, rotated, as the two columns of one variable.
    factors_NF = synthetic.grid(2, 2)
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
        irs(synthetic.ideal(3, 4), **{**SETTINGS, "samples": 1})


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2)
    settings = {**SETTINGS, "samples": 100}
    assert irs(codes, **settings) == irs(codes, **settings)
    assert irs(codes, **settings) != irs(codes, **{**settings, "seed": 2})
