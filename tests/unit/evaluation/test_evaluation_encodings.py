"""The images a run is judged by: which they are, and how their latents are drawn."""

from __future__ import annotations

from collections.abc import Callable

import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import Encodings, encode
from runner.model import build


def judged(
    composed: Callable[..., RunConfig], dataset: Dataset, count: int, seed: int = 0
) -> Encodings:
    config = composed("architecture=mlp", "architecture.widths=[8]", "prior=concrete_normal")
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    return encode(model, dataset.test, count, torch.Generator().manual_seed(seed))


def test_a_split_that_is_small_enough_is_taken_whole_and_in_order(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    got = judged(composed, toy_dataset, 10_000)
    assert got.indices_M.tolist() == list(range(256))
    assert torch.equal(got.factors_MF, toy_dataset.test.factors(got.indices_M))
    assert got.dataset_size == len(got) == 256


def test_of_a_larger_split_images_are_drawn_without_repetition(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    got = judged(composed, toy_dataset, 100)
    assert len(set(got.indices_M.tolist())) == len(got) == 100
    assert got.dataset_size == 256
    assert torch.equal(got.factors_MF, toy_dataset.test.factors(got.indices_M))


def test_equal_seeds_give_equal_draws(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    first, again, other = (judged(composed, toy_dataset, 100, seed) for seed in (1, 1, 2))
    assert torch.equal(first.z_MW, again.z_MW)
    assert not torch.equal(first.z_MW, other.z_MW)


def test_a_category_is_drawn_as_a_one_hot_vector(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    got = judged(composed, toy_dataset, 256)
    drawn = got.z_MW[:, :4]
    assert torch.equal(drawn.sum(1), torch.ones(256))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(got.centre_MW[:, :4].sum(1), torch.ones(256))
    assert (got.log_px_z_M < 0).all()
