"""The images of the validation are training images, chosen by a seed of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from runner.config import ValidationConfig
from runner.dataset import Dataset, set_aside
from runner.dataset.splits import Split
from runner.errors import UsageError

CPU = torch.device("cpu")
SETTINGS = ValidationConfig(
    every=10, images=0.25, encodings=100, seed=0, scores=[], information=False
)


@pytest.fixture
def numbered(toy_dataset: Dataset) -> Dataset:
    """Every image is as bright as its number modulo 256."""
    images = torch.arange(toy_dataset.train.size).to(torch.uint8)
    split = replace(toy_dataset.train, images_NCHW=images[:, None, None, None])  # pyright: ignore
    return replace(toy_dataset, train=split)


def shown(split: Split | None) -> list[int]:
    assert split is not None
    return split.images(torch.arange(split.size)).flatten().tolist()


def test_every_training_image_is_in_one_of_the_two_parts(numbered: Dataset):
    found = set_aside(numbered, SETTINGS, CPU)
    size = numbered.train.size
    assert found.validation is not None
    assert (found.validation.size, found.train.size) == (size // 4, size - size // 4)
    assert sorted(shown(found.validation) + shown(found.train)) == sorted(shown(numbered.train))
    assert found.test is numbered.test


def test_the_images_depend_on_the_seed_of_the_validation_alone(numbered: Dataset):
    one, same, other = (
        shown(set_aside(numbered, replace(SETTINGS, seed=seed, every=every), CPU).validation)
        for seed, every in ((0, 10), (0, 3), (1, 10))
    )
    assert one == same != other


def test_factors_stay_with_their_images(numbered: Dataset):
    found = set_aside(numbered, SETTINGS, CPU).validation
    assert found is not None
    whole = numbered.train.factors(torch.arange(numbered.train.size))
    rows = [shown(numbered.train).index(value) for value in shown(found)]
    assert torch.equal(found.factors(torch.arange(found.size)), whole[rows])


def test_without_validations_nothing_is_set_aside(toy_dataset: Dataset):
    assert set_aside(toy_dataset, replace(SETTINGS, every=None), CPU) is toy_dataset


def test_a_number_of_images_is_taken_as_it_is(toy_dataset: Dataset):
    found = set_aside(toy_dataset, replace(SETTINGS, images=7), CPU)
    assert found.validation is not None
    assert found.validation.size == 7


@pytest.mark.parametrize(
    ("images", "left", "hint"),
    [(10_000, "train on", "a share"), (0.999, "train on", None), (0.001, "validate on", None)],
)
def test_too_few_images_are_refused_in_one_line(
    toy_dataset: Dataset, images: float, left: str, hint: str | None
):
    with pytest.raises(UsageError, match=f"leaves too few to {left}") as error:
        set_aside(toy_dataset, replace(SETTINGS, images=images), CPU)
    assert f"validation.images={images:g} of the {toy_dataset.train.size:,}" in error.value.message
    assert (error.value.hint or "").startswith(hint or "")
