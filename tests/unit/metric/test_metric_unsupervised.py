"""Dependence between dimensions: definitions, closed forms, and dimensions that are dead."""

from __future__ import annotations

import made_codes as made
import numpy as np
import oracles_histogram as oracle
import pytest

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
    """Codes with exactly this covariance."""
    made_MD = np.random.default_rng(0).normal(size=(images, len(covariance_DD)))
    white_MD = (made_MD - made_MD.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(made_MD.T))).T
    codes_MD = white_MD @ np.linalg.cholesky(covariance_DD).T + 7.0
    return Codes.of(codes_MD, np.arange(images) % 2)


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed, complete):
    codes = made.random(seed=seed, complete=complete)
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
    found = unsupervised(made.ideal(3, 20, 2), **SETTINGS)
    assert found == {name: pytest.approx(0.0, abs=1e-9) for name in NAMES}


def test_a_dead_dimension_adds_nothing_but_pairs():
    codes = made.random(seed=1, dimensions=3)
    alive, dead = (unsupervised(c, **SETTINGS) for c in (codes, made.with_dead(codes)))
    information = "mutual_information_score"
    assert dead[information] == pytest.approx(alive[information] * 6 / 12)
    assert {**dead, information: 0.0} == {**alive, information: 0.0}


def test_a_dimension_that_another_determines_has_a_finite_value():
    number_N = np.random.default_rng(0).normal(size=500)
    codes = Codes.of(np.stack([number_N, -3 * number_N], axis=1), np.arange(500) % 2)
    found = unsupervised(codes, **SETTINGS)
    assert 15 < found["gaussian_total_correlation"] < 19
    bins_M = oracle.discretise(number_N[:, None])
    assert found["mutual_information_score"] == pytest.approx(
        oracle.information(bins_M, bins_M)[0, 0], abs=0.02
    )


def test_numbers_too_small_to_square_count_as_dead():
    codes = made.random(seed=1)
    small = Codes.of(codes.codes_ND * 1e-200, codes.factors_NF)
    found = unsupervised(small, **SETTINGS)
    assert [found[name] for name in NAMES[:3]] == [0.0, 0.0, 0.0]
    assert found[NAMES[3]] > 0


@pytest.mark.parametrize(
    "codes",
    [
        made.ideal(3),
        made.all_dead(3, 4),
        made.one_hot(3, 4),
        Codes.of(np.eye(3), np.arange(3), variables=[Variable("class", slice(0, 3))]),
    ],
    ids=["one", "dead", "one beside a discrete", "none beside a discrete"],
)
def test_with_fewer_than_two_dimensions_there_is_nothing_to_depend(codes):
    assert unsupervised(codes, **SETTINGS) == dict.fromkeys(NAMES, 0.0)


@pytest.mark.parametrize("samples", [1, 2])
def test_hardly_any_images_have_a_finite_value(samples):
    found = unsupervised(made.random(seed=0), samples=samples, bins=20, seed=0)
    assert np.isfinite(list(found.values())).all()


def test_the_seed_decides_the_draw():
    codes = made.random(seed=2)
    settings = {**SETTINGS, "samples": 100}
    assert unsupervised(codes, **settings) == unsupervised(codes, **settings)
    assert unsupervised(codes, **settings) != unsupervised(codes, **{**settings, "seed": 2})
