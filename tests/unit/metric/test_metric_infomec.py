"""InfoMEC's modularity and compactness: the definition, pruning, discrete latents and groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracles_probing as oracles
import pytest
import synthetic_codes as synthetic
from grouped_codes import turned

from runner.errors import UsageError
from runner.metric import Codes
from runner.metric.infomec import concentrations, infoc, infoc_groups, infom, infom_groups

SIZES: dict[str, Any] = {
    "samples": 10_000, "neighbours": 10, "least_range": 0.05, "most_values": 64, "seed": 0,
}  # fmt: skip
OF_GROUPS: dict[str, Any] = {"samples": 1500, "neighbours": 3, "least_range": 0.05, "seed": 0}


def entangled(images: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of 3, 4 and 2 values, and four latents that say something about several."""
    source = np.random.default_rng(seed)
    factors = source.integers([3, 4, 2], size=(images, 3))
    mixing = np.array([[1.0, 0.2, 0.0, 0.4], [0.0, 1.0, 0.3, 0.4], [0.5, 0.0, 1.0, 0.4]])
    return factors, factors @ mixing + 0.3 * source.normal(size=(images, 4))


def test_continuous_latents_have_the_scores_of_the_definition():
    factors, latents = entangled()
    codes = Codes.of(latents, factors)
    expected = oracles.infomec(factors, latents)
    found = infom(codes, **SIZES)
    assert (found["infom"], infoc(codes, **SIZES)["infoc"]) == pytest.approx(expected, abs=1e-6)
    assert found["infom/active_variables"] == 4
    assert 0.1 < expected[0] < 0.9


@pytest.mark.parametrize("values", [2, 10])
def test_quantised_latents_have_the_scores_of_the_definition(values: int):
    factors, latents = entangled(images=2000)
    low, high = latents.min(0), latents.max(0)
    step = (high - low) / values
    latents = np.minimum((latents - low) // step, values - 1) / values - 0.5
    latents[:, 3] /= 100  # a discrete latent is inactive only if it is constant
    expected = oracles.infomec(factors, latents, discrete=True)
    codes = Codes.of(latents, factors)
    found = infom(codes, **SIZES)["infom"], infoc(codes, **SIZES)["infoc"]
    assert found == pytest.approx(expected, abs=1e-10)


def test_a_column_is_discrete_up_to_a_number_of_values_and_only_with_images_enough():
    """A discrete latent of a small range is kept; the same one is pruned as a continuous one."""
    factors, latents = entangled(images=2000)
    latents[:, 3] = np.arange(2000) % 20 / 1000
    codes = Codes.of(latents, factors)
    assert infom(codes, **SIZES)["infom/active_variables"] == 4
    assert infom(codes, **SIZES | {"most_values": 20})["infom/active_variables"] == 4
    assert infom(codes, **SIZES | {"most_values": 19})["infom/active_variables"] == 3
    assert infom(codes, **SIZES | {"samples": 199})["infom/active_variables"] == 3


def test_latents_of_a_twentieth_of_the_largest_range_are_left_out():
    factors, latents = entangled()
    span = np.ptp(latents, axis=0).max()
    copy = (latents[:, 0] - latents[:, 0].min()) / np.ptp(latents[:, 0])
    without = Codes.of(latents, factors)
    inactive = Codes.of(np.column_stack([latents, copy * span * 0.049]), factors)
    active = Codes.of(np.column_stack([latents, copy * span * 0.051]), factors)
    for score in (infom, infoc):
        name = score.__name__
        expected = score(without, **SIZES)[name]
        assert score(inactive, **SIZES)[name] == pytest.approx(expected, abs=1e-9)
        assert abs(score(active, **SIZES)[name] - expected) > 0.01
    table = oracles.nmi(factors, np.column_stack([latents, copy]), discrete=False)
    expected = oracles.modularity_and_compactness(table)
    found = infom(active, **SIZES)["infom"], infoc(active, **SIZES)["infoc"]
    assert found == pytest.approx(expected, abs=1e-6)


def test_ideal_codes_have_one_and_a_copy_of_a_latent_has_its_part():
    codes = synthetic.repeated(synthetic.ideal(3, 4), 20)
    assert infom(codes, **SIZES)["infom"] == pytest.approx(1)
    assert infoc(codes, **SIZES)["infoc"] == pytest.approx(1)
    twice = Codes.of(codes.codes_ND[:, [0, 0, 1]], codes.factors_NF)
    assert infom(twice, **SIZES)["infom"] == pytest.approx(1)
    # One factor is in two of three latents: (1/2 - 1/3) / (2/3), the other in one.
    assert infoc(twice, **SIZES)["infoc"] == pytest.approx((0.25 + 1) / 2)


def test_a_latent_without_information_is_left_out_of_infom_and_a_factor_in_none_is_0_in_infoc():
    grid = np.tile(synthetic.grid(3, 4, 2), (10, 1))
    codes = Codes.of(grid[:, [0, 1]] + 0.0, grid[:, [0, 2]], factor_names=["a", "b"])
    found = infom(codes, **SIZES)
    assert found == {"infom": pytest.approx(1), "infom/active_variables": 2, "infom/z_0": 1}
    assert infoc(codes, **SIZES) == {"infoc": 0.5, "infoc/a": pytest.approx(1), "infoc/b": 0}
    nothing = Codes.of(grid[:, [1]] + 0.0, grid[:, [0, 2]])
    assert infom(nothing, **SIZES) == {"infom": 0, "infom/active_variables": 1}
    assert infoc(nothing, **SIZES)["infoc"] == 0


def test_constant_codes_have_no_active_latents():
    codes = synthetic.repeated(synthetic.constant(3, 4), 20)
    assert infom(codes, **SIZES) == {"infom": 0, "infom/active_variables": 0}
    assert infoc(codes, **SIZES)["infoc"] == 0


def test_a_discrete_variable_is_its_category():
    codes = synthetic.repeated(synthetic.one_hot(3, 4), 20)
    found = infom(codes, **SIZES)
    assert found["infom/class"] == pytest.approx(1)
    assert found["infom/active_variables"] == 2
    assert infoc(codes, **SIZES)["infoc/factor_0"] == pytest.approx(1)


def test_infom_needs_two_factors_among_the_images_drawn():
    codes = Codes.of(np.arange(40.0), np.stack([np.arange(40) % 2, np.arange(40) == 0], axis=1) * 1)
    with pytest.raises(UsageError, match="infom needs two factors that vary"):
        infom(codes, **SIZES | {"samples": 4, "seed": 1})
    with pytest.raises(UsageError, match="no value of a varying factor has two of the 2 images"):
        infoc(codes, **SIZES | {"samples": 2})


def test_concentrations_of_single_places_and_of_nothing():
    found = concentrations(np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]]))
    assert found[:2].tolist() == [0, 1]
    assert np.isnan(found[2])
    assert concentrations(np.array([[0.3]])).tolist() == [1]


def test_groups_have_the_information_of_their_variables_together():
    """Two of three factors are in one group, (1/2 - 1/3) / (2/3); noise is left out."""
    found = infom_groups(turned(), **OF_GROUPS)
    expected = {"infom_groups/pose": 0.25, "infom_groups/look": 1, "infom_groups": 0.625}
    assert found == pytest.approx(expected, abs=0.02)
    compact = infoc_groups(turned(), **OF_GROUPS)
    assert compact == pytest.approx(dict.fromkeys(compact, 1), abs=0.02)
    assert list(compact) == ["infoc_groups", "infoc_groups/a", "infoc_groups/b", "infoc_groups/c"]
    alone = Codes.of(turned().codes_ND, turned().factors_NF, factor_names=["a", "b", "c"])
    assert infoc(alone, **SIZES)["infoc/a"] < 0.5


def test_a_group_of_a_small_range_is_inactive_unless_it_is_discrete():
    codes = turned()
    names = [v.name for v in codes.variables]
    small = codes.codes_ND * np.array([1, 0.01, 1, 1, 1])  # z_1 alone is the group look
    groups = {group.name: [v.name for v in group.variables] for group in codes.groups}
    shrunk = Codes.of(small, codes.factors_NF, factor_names=["a", "b", "c"], groups=groups)
    found = infom_groups(shrunk, **OF_GROUPS)
    assert found == pytest.approx({"infom_groups": 0.25, "infom_groups/pose": 0.25}, abs=0.02)
    compact = infoc_groups(shrunk, **OF_GROUPS)
    assert (compact["infoc_groups/c"], compact["infoc_groups/a"]) == pytest.approx((0, 1), abs=0.02)
    all_kept = infom_groups(shrunk, **OF_GROUPS | {"least_range": 0.001})
    assert all_kept["infom_groups/look"] == pytest.approx(1, abs=0.02)
    assert names == ["z_0", "z_1", "z_2", "z_3", "z_4"]
