"""InfoMEC's explicitness: the definition, its optimum, images held out, and groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracles_probing as oracles
import pytest
import synthetic_codes as synthetic
from grouped_codes import turned
from scipy.optimize import minimize
from sklearn.preprocessing import StandardScaler

from runner.errors import UsageError
from runner.metric import Codes, stream
from runner.metric.infoe import infoe, infoe_groups

SIZES: dict[str, Any] = {"samples": 10_000, "most_values": 64, "held_out": False, "seed": 0}


def test_it_is_the_definition_for_continuous_latents():
    codes = synthetic.random(seed=2, images=400)
    scaled = StandardScaler().fit_transform(codes.codes_ND)
    found = infoe(codes, **SIZES)
    shares = oracles.infoe((scaled, codes.factors_NF))
    assert found["infoe"] == pytest.approx(np.mean(shares), abs=1e-3)
    assert found["infoe/factor_1"] == pytest.approx(shares[1], abs=1e-3)
    assert 0.01 < min(shares) < max(shares) < 0.9


def test_the_classifier_is_at_the_optimum_of_the_balanced_cross_entropy():
    """Two values of unequal frequency: a logistic regression by a general minimiser."""
    source = np.random.default_rng(0)
    value = (source.random(500) < 0.2).astype(int)
    latent = value + source.normal(size=500)
    weight = np.where(value == 1, 1 / value.mean(), 1 / (1 - value.mean()))

    def loss(w: np.ndarray, weights: np.ndarray) -> float:
        signed = (2 * value - 1) * (w[0] * latent + w[1])
        return float(np.mean(weights * np.logaddexp(0, -signed)))

    best = minimize(loss, np.zeros(2), args=(weight,), tol=1e-12).x
    expected = 1 - loss(best, np.ones(500)) / np.log(2)
    found = infoe(Codes.of(latent, value), **SIZES)["infoe"]
    assert found == pytest.approx(expected, abs=1e-4)


def test_quantised_latents_and_categories_are_one_hot():
    """Each value of the factor has three categories in no order: one column cannot tell them."""
    source = np.random.default_rng(0)
    latent = source.integers(9, size=600)
    values = np.array([0, 1, 2, 1, 0, 2, 2, 0, 1])[latent]
    codes = Codes.of(latent / 9 - 0.5, values)
    assert infoe(codes, **SIZES)["infoe"] > 0.99
    assert infoe(codes, **SIZES | {"most_values": 8})["infoe"] < 0.2
    category = synthetic.repeated(synthetic.one_hot(4, 3), 20)
    assert infoe(category, **SIZES)["infoe/factor_0"] > 0.99


def test_it_is_judged_on_the_images_it_learned_from_unless_half_are_held_out():
    codes = synthetic.noise(2, 3, copies=20, dimensions=15)
    assert infoe(codes, **SIZES)["infoe"] > 0.05
    held_out = infoe(codes, **SIZES | {"held_out": True})
    assert held_out["infoe"] < -0.05
    sample = codes.distinct(10_000, stream(0, "infoe"))
    scaled = StandardScaler().fit_transform(sample.codes_MD)
    halves = [(scaled[part], sample.factors_MF[part]) for part in (slice(60), slice(60, None))]
    assert held_out["infoe"] == pytest.approx(np.mean(oracles.infoe(*halves)), abs=1e-3)


def test_constant_codes_say_nothing_and_rare_values_are_not_judged():
    assert infoe(synthetic.constant(3, 4), **SIZES)["infoe"] == 0
    rare = np.r_[np.arange(30) % 2, 2]
    codes = Codes.of(rare + 0.1 * np.arange(31) % 1, rare)
    found = infoe(codes, **SIZES | {"held_out": True})
    assert np.isfinite(found["infoe"])
    with pytest.raises(UsageError, match="no factor varies among the images drawn"):
        infoe(codes, **SIZES | {"samples": 2, "seed": 1, "held_out": True})


def test_each_group_is_judged_by_its_own_columns_and_the_best_counts():
    found = infoe_groups(turned(), **SIZES)
    assert found["infoe_groups"] > 0.9
    assert found["infoe_groups/c/look"] > 0.9
    assert found["infoe_groups/c/pose"] == pytest.approx(0, abs=0.02)
    assert found["infoe_groups/a/rest"] == pytest.approx(0, abs=0.02)
    codes = turned()
    pair = codes.codes_ND[:, [0, 3]]
    scaled = StandardScaler().fit_transform(pair)
    expected = oracles.infoe((scaled, codes.factors_NF[:, :1]))[0]
    assert found["infoe_groups/a/pose"] == pytest.approx(expected, abs=0.01)
