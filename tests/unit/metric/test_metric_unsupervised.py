"""Dependence between dimensions: definitions, closed forms, and constant dimensions."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric import Codes, Variable, stream
from runner.metric.unsupervised import unsupervised

SETTINGS = {"samples": 10_000, "bins": 20, "seed": 0}
NAMES = (
    "gaussian_total_correlation",
    "gaussian_wasserstein",
    "gaussian_wasserstein_normalised",
    "mutual_information_score",
)


def of_covariance(covariance_DD, images=500):
    """Return codes with exactly this covariance."""
    made_MD = np.random.default_rng(0).normal(size=(images, len(covariance_DD)))
    white_MD = (made_MD - made_MD.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(made_MD.T))).T
    codes_MD = white_MD @ np.linalg.cholesky(covariance_DD).T + 7.0
    return Codes.of(codes_MD, np.arange(images) % 2)


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = synthetic.random(seed=seed, complete=complete)
    drawn = codes.sample(300, stream(seed, "unsupervised"))
    found = unsupervised(codes, samples=300, bins=20, seed=seed)
    expected = oracle.unsupervised(drawn.codes_MD)
    assert found == {name: pytest.approx(expected[name], abs=1e-9) for name in NAMES}


@pytest.mark.parametrize("correlation", [0.0, 0.3, -0.9])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_two_dimensions_have_a_closed_form(correlation, scale):
    covariance = np.array([[1.0, correlation], [correlation, 1.0]]) * scale**2
    found = unsupervised(of_covariance(covariance), **SETTINGS)
    share = 2 - np.sqrt(1 + correlation) - np.sqrt(1 - correlation)
    assert found["gaussian_total_correlation"] == pytest.approx(
        -0.5 * np.log(1 - correlation**2), abs=1e-9
    )
    assert found["gaussian_wasserstein_normalised"] == pytest.approx(share, abs=1e-9)
    assert found["gaussian_wasserstein"] == pytest.approx(2 * share * scale**2, abs=1e-9 * scale**2)


def test_dimensions_of_an_ideal_code_are_independent():
    found = unsupervised(synthetic.ideal(3, 20, 2), **SETTINGS)
    assert found == {name: pytest.approx(0.0, abs=1e-9) for name in NAMES}


def test_a_constant_dimension_changes_only_the_mean_over_pairs():
    codes = synthetic.random(seed=1, dimensions=3)
    without, with_constant = (
        unsupervised(c, **SETTINGS) for c in (codes, synthetic.with_constant(codes))
    )
    information = "mutual_information_score"
    assert with_constant[information] == pytest.approx(without[information] * 6 / 12)
    assert {**with_constant, information: 0.0} == {**without, information: 0.0}


def test_linearly_dependent_dimensions_have_a_finite_value():
    number_N = np.random.default_rng(0).normal(size=500)
    codes = Codes.of(np.stack([number_N, -3 * number_N], axis=1), np.arange(500) % 2)
    found = unsupervised(codes, **SETTINGS)
    assert 15 < found["gaussian_total_correlation"] < 19
    bins_M = oracle.discretise(number_N[:, None])
    assert found["mutual_information_score"] == pytest.approx(
        oracle.information(bins_M, bins_M)[0, 0], abs=0.02
    )


def test_numbers_too_small_to_square_count_as_constant():
    codes = synthetic.random(seed=1)
    small = Codes.of(codes.codes_ND * 1e-200, codes.factors_NF)
    found = unsupervised(small, **SETTINGS)
    assert [found[name] for name in NAMES[:3]] == [0.0, 0.0, 0.0]
    assert found[NAMES[3]] > 0


@pytest.mark.parametrize(
    "codes",
    [
        synthetic.ideal(3),
        synthetic.constant(3, 4),
        synthetic.one_hot(3, 4),
        Codes.of(np.eye(3), np.arange(3), variables=[Variable("class", slice(0, 3))]),
    ],
    ids=["one", "constant", "one beside a discrete", "none beside a discrete"],
)
def test_fewer_than_two_dimensions_score_zero(codes):
    assert unsupervised(codes, **SETTINGS) == dict.fromkeys(NAMES, 0.0)


@pytest.mark.parametrize("samples", [1, 2])
def test_very_few_images_have_a_finite_value(samples):
    found = unsupervised(synthetic.random(seed=0), samples=samples, bins=20, seed=0)
    assert np.isfinite(list(found.values())).all()


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2)
    settings = {**SETTINGS, "samples": 100}
    assert unsupervised(codes, **settings) == unsupervised(codes, **settings)
    assert unsupervised(codes, **settings) != unsupervised(codes, **{**settings, "seed": 2})
