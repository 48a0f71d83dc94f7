"""Combinations that are held out, factors that go together, and how both are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from runner.config import (
    CorrelationConfig,
    DatasetConfig,
    RunConfig,
    allow_new_key,
    restore,
    to_yaml,
)
from runner.dataset import Dataset, Factor, ResidentSplit, load
from runner.dataset.factor_grid import grid_factors
from runner.dataset.subset import SubsetSplit, correlate, hold_out, select
from runner.errors import UsageError

CPU = torch.device("cpu")
FACTORS = (Factor("shape", 3), Factor("x", 5), Factor("y", 9))
N = 3 * 5 * 9
Composed = Callable[..., RunConfig]


@pytest.fixture
def grid() -> Dataset:
    """A full grid whose images show their own index."""
    split = ResidentSplit(
        torch.arange(N).to(torch.uint8).view(N, 1, 1, 1),
        grid_factors(FACTORS, torch.arange(N)),
    )
    return Dataset(
        name="grid",
        train=split,
        test=split,
        has_test_split=False,
        factors=FACTORS,
        shape=(1, 1, 1),
        class_factor="shape",
        class_names=("square", "ellipse", "heart"),
    )


def shown(split: Any) -> list[int]:
    return split.images(torch.arange(split.size)).flatten().tolist()


def test_a_subset_answers_for_its_own_images(grid: Dataset):
    subset = SubsetSplit(grid.train, torch.tensor([8, 3, 100]))
    indices_B = torch.tensor([2, 0, 2])
    assert subset.size == 3
    assert subset.images(indices_B).flatten().tolist() == [100, 8, 100]
    assert torch.equal(subset.factors(indices_B), grid.train.factors(torch.tensor([100, 8, 100])))


@pytest.mark.parametrize(
    ("combination", "named"),
    [
        ({"shape": "heart"}, {0: [2]}),
        ({"shape": ["heart", 0], "x": [4]}, {0: [0, 2], 1: [4]}),
        ({"y": [0, 1, 2], "x": 3}, {1: [3], 2: [0, 1, 2]}),
    ],
)
def test_exactly_the_images_of_a_combination_are_held_out(grid, combination, named):
    dataset = hold_out(grid, combination, CPU)
    rows = grid.train.factors(torch.arange(N)).tolist()
    held = [n for n, row in enumerate(rows) if all(row[f] in v for f, v in named.items())]
    assert dataset.held_out_combinations is not None
    assert shown(dataset.held_out_combinations) == held
    assert shown(dataset.train) == sorted(set(range(N)) - set(held))
    assert dataset.test is grid.test
    assert not dataset.has_test_split


@pytest.mark.parametrize(
    ("combination", "message", "hint"),
    [
        ({"shap": 1}, "grid has no factor 'shap'", "did you mean 'shape'?"),
        ({"colour": 1}, "grid has no factor 'colour'", "grid has shape, x, y"),
        ({"shape": "hart"}, "shape has no value 'hart'", "did you mean 'heart'?"),
        ({"shape": 3}, "shape has no value '3'", "shape has square, ellipse, heart, or 0 to 2"),
        ({"x": [1, 5]}, "x has no value '5'", "x has 0 to 4"),
        ({"x": -1}, "x has no value '-1'", "x has 0 to 4"),
        ({"x": "heart"}, "x has no value 'heart'", "x has 0 to 4"),
        ({"x": True}, "x has no value 'True'", "x has 0 to 4"),
        ({"x": 1.0}, "x has no value '1.0'", "x has 0 to 4"),
        ({"x": None}, "x has no value 'None'", "x has 0 to 4"),
    ],
)
def test_what_is_not_there_cannot_be_held_out(grid, combination, message, hint):
    with pytest.raises(UsageError) as caught:
        hold_out(grid, combination, CPU)
    assert caught.value.message == f"dataset.hold_out: {message}"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("combination", "share"), [({"x": []}, "no"), ({"x": [0, 1, 2, 3, 4]}, "every")]
)
def test_some_images_must_be_held_out_and_some_must_train(grid, combination, share):
    with pytest.raises(UsageError) as caught:
        hold_out(grid, combination, CPU)
    assert (
        caught.value.message == f"dataset.hold_out={combination} holds out {share} training image"
    )


def test_labels_are_factors_too():
    every = load(DatasetConfig("digits", {}, None), "", CPU)
    some = load(DatasetConfig("digits", {"label": ["3", 5]}, None), "", CPU)
    assert every.held_out_combinations is None
    assert some.held_out_combinations is not None
    labels = set(some.train.factors(torch.arange(some.train.size))[:, 0].tolist())
    assert labels == {0, 1, 2, 4, 6, 7, 8, 9}
    assert some.train.size + some.held_out_combinations.size == every.train.size
    assert some.test.size == every.test.size


def correlated(dataset: Dataset, first: str, second: str, width: float) -> Dataset:
    return correlate(dataset, CorrelationConfig([first, second], width), CPU)


def test_a_narrow_correlation_keeps_factors_at_equal_positions(grid: Dataset):
    kept = correlated(grid, "x", "y", 1e-6).train
    pairs = kept.factors(torch.arange(kept.size))[:, 1:].tolist()
    assert {(x, y) for x, y in pairs} == {(0, 0), (1, 2), (2, 4), (3, 6), (4, 8)}
    assert kept.size == 3 * 5  # at distance zero, all are kept


def test_a_wide_correlation_keeps_all(grid: Dataset):
    dataset = correlated(grid, "x", "y", 1e6)
    assert shown(dataset.train) == list(range(N))
    assert dataset.held_out_combinations is None


def test_images_are_kept_with_the_probability_that_is_promised():
    factors = (Factor("u", 4), Factor("v", 4), Factor("copy", 2000))
    every = torch.arange(4 * 4 * 2000)
    split = ResidentSplit(
        torch.zeros(len(every), 1, 1, 1, dtype=torch.uint8), grid_factors(factors, every)
    )
    dataset = Dataset("copies", split, split, False, factors, (1, 1, 1), "u", tuple("abcd"))  # noqa: FBT003
    kept = correlated(dataset, "u", "v", 0.4)
    found = kept.train.factors(torch.arange(kept.train.size))
    for u in range(4):
        for v in range(4):
            share = math.exp(-(((u - v) / 3) ** 2) / (2 * 0.4**2))
            count = int(((found[:, 0] == u) & (found[:, 1] == v)).sum())
            assert abs(count / 2000 - share) <= 5 * (share * (1 - share) / 2000) ** 0.5
    assert kept.test is dataset.test
    again = correlated(dataset, "u", "v", 0.4)
    assert torch.equal(again.train.factors(torch.arange(again.train.size)), found)


def test_a_correlation_needs_factors_that_are_there_and_leaves_some_image(grid: Dataset):
    with pytest.raises(UsageError, match=r"dataset\.correlated: grid has no factor 'shop'"):
        correlated(grid, "x", "shop", 0.2)
    unequal = hold_out(grid, {"x": [1, 2, 3], "y": list(range(9))}, CPU)
    apart = hold_out(hold_out(unequal, {"x": 0, "y": 0}, CPU), {"x": 4, "y": 8}, CPU)
    with pytest.raises(UsageError, match="leaves no training image"):
        correlated(apart, "x", "y", 1e-6)


def test_both_are_done_one_after_the_other(grid: Dataset):
    settings = DatasetConfig("grid", {"shape": "heart"}, CorrelationConfig(["x", "y"], 1e-6))
    dataset = select(grid, settings, CPU)
    assert dataset.train.size == 2 * 5
    assert dataset.held_out_combinations is not None
    assert dataset.held_out_combinations.size == 5 * 9


@pytest.mark.parametrize("off", [None, CorrelationConfig([], 0.2)])
def test_a_dataset_is_left_as_it_is_without_a_choice(grid: Dataset, off):
    assert select(grid, DatasetConfig("grid", {}, off), CPU) is grid


def test_both_are_asked_for_on_the_command_line_and_restored(composed: Composed):
    words = (
        "dataset.hold_out={shape: heart, scale: [5]}",
        "dataset.correlated={factors: [x, y], width: 0.3}",
    )
    config = composed("dataset=sprites", *(allow_new_key(word) for word in words))
    assert config.dataset.hold_out == {"shape": "heart", "scale": [5]}
    assert config.dataset.correlated == CorrelationConfig(["x", "y"], 0.3)
    assert restore(to_yaml(config), []) == config


@pytest.mark.parametrize(
    "word", ["dataset.correlated=null", "dataset.correlated={}", "dataset=digits"]
)
def test_by_default_all_images_train(composed: Composed, word: str):
    config = composed(word)
    assert config.dataset.hold_out == {}
    assert not (config.dataset.correlated and config.dataset.correlated.factors)
    assert restore(to_yaml(config), []) == config


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("factors: [x]", "dataset.correlated.factors must be two factors, or [], got ['x']"),
        (
            "factors: [x, x]",
            "dataset.correlated.factors must be two factors, or [], got ['x', 'x']",
        ),
        ("width: 0", "dataset.correlated.width must be a positive number, got 0.0"),
        ("width: inf", "dataset.correlated.width must be a positive number, got inf"),
    ],
)
def test_a_correlation_that_makes_no_sense_is_refused(composed: Composed, word, message):
    with pytest.raises(UsageError) as caught:
        composed(f"dataset.correlated={{{word}}}")
    assert caught.value.message == message
