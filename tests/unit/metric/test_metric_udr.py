from __future__ import annotations

import numpy as np
import oracles_learned as oracle
import pytest

from runner.errors import UsageError
from runner.metric.udr import udr

SETTINGS = {"least_rate": 0.01, "lasso": 0.1}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def rates(dimensions: int) -> np.ndarray:
    return np.ones(dimensions)


def test_permuted_and_rescaled_dimensions_agree():
    z = noise(2000, 4)
    models = [(z, rates(4)), (z[:, [2, 0, 3, 1]] * [-2, 1, 3, 0.5], rates(4))]
    for scores in udr(models, **SETTINGS):
        # For independent dimensions the coefficient is 1 - lasso, up to their correlation.
        assert scores["udr_lasso"] == pytest.approx(0.9, abs=0.01)
        assert scores["udr_spearman"] > 0.9


def test_a_rotation_does_not_agree():
    z = noise(2000, 4)
    turned = np.linalg.qr(noise(4, 4, seed=1))[0]
    scores = udr([(z, rates(4)), (z @ turned, rates(4))], **SETTINGS)
    assert max(score["udr_lasso"] for score in scores) < 0.6


def test_unrelated_models_do_not_agree():
    models = [(noise(2000, 4, seed=seed), rates(4)) for seed in range(3)]
    for scores in udr(models, **SETTINGS):
        assert scores["udr_lasso"] == 0
        assert scores["udr_spearman"] < 0.05


def test_it_is_the_definition():
    z, source = noise(300, 5), np.random.default_rng(1)
    models = []
    for model in range(4):
        mixture = np.eye(5) + 0.3 * model * source.normal(size=(5, 5))
        rates = np.where(np.arange(5) == model, 0.005, 1.0)
        models.append((z @ mixture + 0.1 * source.normal(size=z.shape), rates))
    found = udr(models, **SETTINGS)
    for name, spearman in (("udr_lasso", False), ("udr_spearman", True)):
        plain = oracle.udr(models, **SETTINGS, spearman=spearman)
        np.testing.assert_allclose([scores[name] for scores in found], plain, rtol=1e-9)
    assert len({round(scores["udr_lasso"], 6) for scores in found}) == 4


def test_a_dimension_below_the_least_rate_is_left_out():
    z = noise(500, 3)
    alone = udr([(z, rates(3)), (z, rates(3))], **SETTINGS)
    more = np.concatenate([z, noise(500, 1, seed=2)], axis=1)
    masked = udr([(more, np.array([1, 1, 1, 0.01])), (z, rates(3))], **SETTINGS)
    np.testing.assert_allclose(
        [list(scores.values()) for scores in masked], [list(scores.values()) for scores in alone]
    )


def test_a_model_without_informative_dimensions_scores_zero():
    z = noise(200, 3)
    found = udr([(z, 0 * rates(3)), (z, rates(3)), (z, rates(3)), (z, rates(3))], **SETTINGS)
    assert found[0] == {"udr_lasso": 0.0, "udr_spearman": 0.0}
    assert found[1]["udr_lasso"] > 0.8  # the median leaves one odd model out


def test_a_constant_dimension_is_related_to_none():
    z = noise(200, 3)
    still = np.concatenate([z, np.full((200, 1), 0.1)], axis=1)
    for scores in udr([(still, rates(4)), (still, rates(4))], **SETTINGS):
        assert 0 < scores["udr_lasso"] < 0.75
        assert 0 < scores["udr_spearman"] < 0.75


def test_codes_of_one_dimension_are_compared():
    z = noise(500, 1)
    for scores in udr([(z, rates(1)), (-z, rates(1))], **SETTINGS):
        assert scores == pytest.approx({"udr_lasso": 0.9, "udr_spearman": 1.0})


def test_a_single_model_is_refused():
    with pytest.raises(UsageError, match="only one"):
        udr([(noise(10, 2), rates(2))], **SETTINGS)


def test_codes_of_different_images_are_refused():
    with pytest.raises(UsageError, match="same images"):
        udr([(noise(10, 2), rates(2)), (noise(11, 2), rates(2))], **SETTINGS)
