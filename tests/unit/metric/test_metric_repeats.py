"""Standard errors of scores, against the spread of the score over other sets of images."""

from __future__ import annotations

from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest

from runner.metric import Codes, Group, Repeats, Variable, compute
from tests.unit.metric.synthetic_codes import grid, ideal

IMAGES = 600
MIG = {"samples": 300, "bins": 8}
MIXING = np.array([[1.0, 0.3, 0.0], [0.2, 0.1, 0.6]])


def images(seed: int) -> Codes:
    """Return noisy mixtures of two factors, of images that are drawn anew with every seed."""
    source = np.random.default_rng(seed)
    factors_NF = source.integers((3, 5), size=(IMAGES, 2))
    noise_ND = source.normal(size=(IMAGES, 3)) * 0.5
    return Codes.of(factors_NF @ MIXING + noise_ND, factors_NF)


def score(name: str, codes: Codes, seed: int, settings: dict[str, Any]) -> float:
    return compute(name, codes, factor="factor_0", seed=seed, settings=settings)[name]


def error(name: str, codes: Codes, settings: dict[str, Any], count: int = 12) -> float:
    repeats = Repeats(codes, 0, count)
    return repeats.standard_errors(name, factor="factor_0", settings=settings)[name]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mig", {"samples": 600, "bins": 8}),
        ("mig", {"samples": 450, "bins": 8}),
        ("mig", {"samples": 300, "bins": 8}),
        ("mig", {"samples": 100, "bins": 8}),
        ("sap", {"train": 400, "test": 200}),
        ("infoe", {"samples": 600, "most_values": 8, "held_out": False}),
        ("infoe", {"samples": 600, "most_values": 8, "held_out": True}),
        ("linear_probe", {"train": 200, "test": 200}),
        ("linear_probe", {"train": 300, "test": 60}),
        ("factor_vae", {"train": 60, "test": 100, "batch": 8, "variance_samples": 600,
                        "least_spread": 0.05}),
    ],
)  # fmt: skip
def test_it_is_the_spread_over_other_images(name: str, settings: dict[str, Any]):
    truth = stdev(score(name, images(seed), seed, settings) for seed in range(60))
    found = mean(error(name, images(seed), settings) ** 2 for seed in range(60, 72)) ** 0.5
    assert found == pytest.approx(truth, rel=0.3)


def test_a_score_that_learns_from_one_half_is_evaluated_on_the_other():
    """m = 300 of 600 images, and 150 of each half of them: (1/300) / (1/150 - 1/600) = 2/3."""
    repeats = Repeats(images(0), 0, 2)
    of_all, of_half = (repeats._scale({"samples": 600, "held_out": h}) for h in (False, True))
    assert of_all == pytest.approx(1)
    assert of_half == pytest.approx((2 / 3) ** 0.5)


def test_of_a_whole_grid_it_is_the_spread_over_draws():
    source = np.random.default_rng(0)
    factors_NF = np.tile(grid(3, 5), (40, 1))
    codes_ND = factors_NF @ MIXING + source.normal(size=(len(factors_NF), 3)) * 0.5
    codes = Codes.of(codes_ND, factors_NF, complete=True)
    settings = {"samples": 500, "bins": 8}
    truth = stdev(score("mig", codes, seed, settings) for seed in range(60))
    assert error("mig", codes, settings, count=60) == pytest.approx(truth, rel=0.25)


def test_the_same_seed_gives_the_same_error_and_another_one_another():
    found = [
        Repeats(images(0), seed, 3).standard_errors("mig", factor=None, settings=MIG)
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]
    assert set(found[0]) == {"mig", "mig/factor_0", "mig/factor_1"}


def test_codes_that_say_nothing_of_the_images_have_the_error_zero():
    codes = Codes.of(np.zeros((60, 2)), np.arange(60) % 4)
    found = Repeats(codes, 0, 3).standard_errors("mig", factor=None, settings=MIG)
    assert found == {"mig": 0, "mig/factor_0": 0}


def test_a_half_with_too_few_images_leaves_the_score_without_error():
    assert Repeats(ideal(2), 0, 3).standard_errors("mig", factor=None, settings=MIG) == {}
    codes = ideal(2, 2)
    settings = {"samples": 4, "neighbours": 3, "least_range": 0.05, "most_values": 64}
    assert Repeats(codes, 0, 3).standard_errors("infom", factor=None, settings=settings) == {}


def test_a_subset_keeps_names_values_and_groups():
    factors_NF = np.array([[0, 5, 9], [0, 7, 9], [4, 5, 9], [4, 8, 1]])
    variables = [Variable("a", slice(0, 1)), Variable("b", slice(1, 2)), Variable("c", slice(2, 3))]
    codes = Codes.of(
        np.arange(12.0).reshape(4, 3),
        factors_NF,
        variables=variables,
        groups={"one": ["a", "b"], "two": ["c"]},
    )
    part = codes.subset(np.array([2, 0, 1]))
    assert part.factor_names == ("factor_0", "factor_1")
    assert [values.tolist() for values in part.factor_values] == [[0, 4], [5, 7]]
    assert part.factors_NF.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert part.codes_ND[0].tolist() == [6, 7, 8]
    assert part.groups == (Group("one", tuple(variables[:2])), Group("two", (variables[2],)))
    assert not part.complete
    measured = Codes.of(np.arange(4.0), np.array([0.5, 0.5, 1.5, 2.5]), factor_bins=9)
    assert measured.subset(np.array([3, 1])).factor_values[0].tolist() == [0.5, 2.5]
