"""Which training images have a known class: as many of each, by the seed alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, with_labels
from runner.errors import UsageError
from runner.training.supervision import labelled_batch_size

CPU = torch.device("cpu")
Composed = Callable[..., RunConfig]


def known(dataset: Dataset) -> list[int]:
    assert dataset.labelled_K is not None
    return dataset.labelled_K.tolist()


@pytest.mark.parametrize("labels", [4, 8, 9, 11, 256])
def test_each_class_has_as_many_labels_or_one_more(
    composed: Composed, toy_dataset: Dataset, labels: int
):
    rows = known(with_labels(toy_dataset, composed(f"labels={labels}"), CPU))
    counts = torch.bincount(toy_dataset.train.factors(torch.tensor(rows))[:, 0], minlength=4)
    assert len(set(rows)) == labels == int(counts.sum())
    assert int(counts.max() - counts.min()) == (labels % 4 > 0)


def test_the_seed_of_the_run_or_a_seed_of_their_own_chooses_them(
    composed: Composed, toy_dataset: Dataset
):
    def of(*settings: str) -> list[int]:
        return known(with_labels(toy_dataset, composed("labels=12", *settings), CPU))

    assert of("seed=1") == of("seed=1") != of("seed=2")
    assert of("seed=1", "label_seed=2") == of("seed=2") == of("seed=5", "label_seed=2")


def test_only_they_count_as_known_among_the_training_images(
    composed: Composed, toy_dataset: Dataset
):
    test = replace(toy_dataset.train)  # an equal split, and another one
    dataset = with_labels(replace(toy_dataset, test=test), composed("labels=8"), CPU)
    every = torch.arange(256)
    assert dataset.labels(dataset.train, every)[1].nonzero()[:, 0].tolist() == known(dataset)
    assert bool(dataset.labels(dataset.test, every)[1].all())
    assert with_labels(toy_dataset, composed(), CPU) is toy_dataset


def test_an_image_without_a_class_is_never_chosen(composed: Composed, toy_dataset: Dataset):
    factors = toy_dataset.train.factors(torch.arange(256)).clone()
    factors[16:] = -1
    train = replace(toy_dataset.train, factors_NF=factors)  # pyright: ignore
    dataset = replace(toy_dataset, train=train)
    assert known(with_labels(dataset, composed("labels=16"), CPU)) == list(range(16))
    with pytest.raises(UsageError, match=r"labels=20 asks for 5 .* has 4 of '0'") as refused:
        with_labels(dataset, composed("labels=20"), CPU)
    assert refused.value.hint == "labels=16 is the most"


def test_the_smallest_class_says_how_many_labels_there_are(
    composed: Composed, toy_dataset: Dataset
):
    """Not the first one that has too few."""
    factors = toy_dataset.train.factors(torch.arange(256)).clone()
    column = toy_dataset.class_column
    assert column is not None
    of_last = (factors[:, column] == 3).nonzero()[:, 0]
    factors[of_last[2:], column] = 0
    train = replace(toy_dataset.train, factors_NF=factors)  # pyright: ignore
    dataset = replace(toy_dataset, train=train)
    with pytest.raises(UsageError, match=r"labels=256 asks for 64 .* has 2 of '3'") as refused:
        with_labels(dataset, composed("labels=256"), CPU)
    assert refused.value.hint == "labels=8 is the most"
    assert len(known(with_labels(dataset, composed("labels=8"), CPU))) == 8
    factors[of_last[:2], column] = 0
    with pytest.raises(UsageError, match=r"has 0 of '3'") as refused:
        with_labels(dataset, composed("labels=256"), CPU)
    assert refused.value.hint is None


def test_all_are_those_that_have_a_class(composed: Composed, toy_dataset: Dataset):
    factors = toy_dataset.train.factors(torch.arange(256)).clone()
    factors[100:] = -1
    train = replace(toy_dataset.train, factors_NF=factors)  # pyright: ignore
    config = composed("labels=all", "batch_size=32")
    assert known(with_labels(replace(toy_dataset, train=train), config, CPU)) == list(range(100))
    assert labelled_batch_size(config) == 32
    assert labelled_batch_size(composed("labels=8", "batch_size=32")) == 8


def test_what_cannot_be_labelled_is_refused(composed: Composed, toy_dataset: Dataset):
    with pytest.raises(UsageError, match="less than one for each of the 4 classes"):
        with_labels(toy_dataset, composed("labels=3"), CPU)
    nothing = replace(toy_dataset, factors=(), class_factor=None, class_names=())
    with pytest.raises(UsageError, match="has no classes"):
        with_labels(nothing, composed("labels=8"), CPU)
    for setting in ("labels=1", "label_seed=-1", "evaluation.class_samples=-1",
                    "objective.penalties.supervision.images=0"):  # fmt: skip
        with pytest.raises(UsageError, match=setting.partition("=")[0]):
            composed(setting)
    with pytest.raises(UsageError, match="images must be between 1 and labels=8"):
        composed("labels=8", "objective.penalties.supervision.images=9")
