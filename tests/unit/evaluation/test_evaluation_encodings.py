"""Encodings of the images that a run is evaluated on: their selection and their tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import IMAGES, Dataset, ResidentSplit
from runner.evaluation import Encodings, encodings
from runner.evaluation.encodings import count_of_encodings, encode, encode_for_evaluation
from runner.model import VAE, build
from tests.conftest import represent

TINY = ("architecture=mlp", "architecture.widths=[8]", "prior=concrete_normal")


@pytest.fixture(scope="module")
def model(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> VAE:
    config = composed(*TINY, "prior.dimensions=3")
    return build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)


def encoded(model: VAE, dataset: Dataset, count: int, *, seed: int = 0) -> Encodings:
    return encode(represent(model), dataset.test, count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [1, 100, 255])
def test_fewer_images_than_there_are_come_without_repetition(
    model: VAE, toy_dataset: Dataset, count: int
):
    every = encoded(model, toy_dataset, count)
    assert len(every) == count == len(every.indices_M.unique())
    assert 0 <= int(every.indices_M.min()) <= int(every.indices_M.max()) < 256
    assert every.dataset_size == 256


@pytest.mark.parametrize("count", [256, 257, 10_000])
def test_a_split_that_is_small_enough_comes_whole_and_in_order(
    model: VAE, toy_dataset: Dataset, count: int
):
    assert encoded(model, toy_dataset, count).indices_M.tolist() == list(range(256))


def test_every_row_is_of_its_own_image(model: VAE, toy_dataset: Dataset):
    every = encoded(model, toy_dataset, 50)
    images = IMAGES.to_input(toy_dataset.test.images(every.indices_M))
    with torch.no_grad():
        parameters_MP = model.encode(images)
        log_px_z_M = model.log_px_z(images, every.z_MW)
    torch.testing.assert_close(every.parameters_MP, parameters_MP)
    torch.testing.assert_close(every.log_px_z_M, log_px_z_M)
    torch.testing.assert_close(every.mean_MW[:, :4], parameters_MP[:, :4].softmax(1))
    torch.testing.assert_close(every.mean_MW[:, 4:], parameters_MP[:, 4:7])
    assert every.factors_MF.tolist() == [[int(i) % 4] for i in every.indices_M]


@pytest.mark.parametrize("density", ["exact", "argmax"])
def test_a_concrete_variable_is_evaluated_as_one_hot_vectors(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, density: str
):
    config = composed(*TINY, f"objective.concrete_density={density}")
    model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
    category_MK = encoded(model, toy_dataset, 256).z_MW[:, :4]
    assert set(category_MK.unique().tolist()) == {0.0, 1.0}
    assert category_MK.sum(1).eq(1).all()


def test_categories_are_drawn_with_their_probabilities(model: VAE, toy_dataset: Dataset):
    """Not always the most probable one, since the ELBO is an expectation over q(k|x)."""
    image_NCHW = toy_dataset.test.images(torch.zeros(1).long()).repeat(4000, 1, 1, 1)
    split = ResidentSplit(image_NCHW, torch.zeros(4000, 1).long())
    every = encode(represent(model), split, 4000, torch.Generator().manual_seed(0))
    expected_K = every.mean_MW[0, :4]
    assert float(expected_K.max()) < 0.9  # not trained, so no category is certain
    error_K = 4 * (expected_K * (1 - expected_K) / 4000).sqrt()
    assert ((every.z_MW[:, :4].mean(0) - expected_K).abs() < error_K).all()


def test_the_same_generator_gives_the_same_encodings(model: VAE, toy_dataset: Dataset):
    first, again = (encoded(model, toy_dataset, 100) for _ in range(2))
    other = encoded(model, toy_dataset, 100, seed=1)
    for name in ("indices_M", "parameters_MP", "z_MW", "mean_MW", "log_px_z_M", "factors_MF"):
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    assert not torch.equal(first.indices_M, other.indices_M)


def test_what_does_not_depend_on_noise_does_not_depend_on_chunks(
    model: VAE, toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    whole = encoded(model, toy_dataset, 256)
    monkeypatch.setattr(encodings, "_CHUNK", 60)  # 256 is not a multiple
    chunks = encoded(model, toy_dataset, 256)
    assert chunks.z_MW.shape == whole.z_MW.shape
    torch.testing.assert_close(chunks.parameters_MP, whole.parameters_MP)


def test_encodings_hold_no_graph(model: VAE, toy_dataset: Dataset):
    every = encoded(model, toy_dataset, 10)
    for values in (every.parameters_MP, every.z_MW, every.mean_MW, every.log_px_z_M):
        assert not values.requires_grad


def test_shuffled_encodings_keep_their_rows_together(model: VAE, toy_dataset: Dataset):
    every = encoded(model, toy_dataset, 256)
    mixed = every.shuffled(torch.Generator().manual_seed(1))
    assert mixed.indices_M.tolist() != list(range(256))
    assert mixed.dataset_size == every.dataset_size
    for name in ("indices_M", "parameters_MP", "z_MW", "mean_MW", "log_px_z_M", "factors_MF"):
        assert torch.equal(getattr(mixed, name), getattr(every, name)[mixed.indices_M]), name


@pytest.mark.parametrize("has_test_split", [True, False])
def test_all_images_stand_behind_q_each_once(
    model: VAE, toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, *, has_test_split: bool
):
    """The training images beside the evaluated ones; without a test split, the rest of all."""
    monkeypatch.setattr(encodings, "_EVALUATED", 60)
    dataset = replace(toy_dataset, has_test_split=has_test_split)
    source = torch.Generator().manual_seed(0)
    every = encode_for_evaluation(represent(model), dataset, "all", source)
    alone = encoded(model, toy_dataset, 60)
    assert torch.equal(every.z_MW, alone.z_MW)  # the same images and draws as without the others
    assert len(every) == 60
    assert every.count_behind == every.dataset_size == count_of_encodings(dataset, "all")
    assert every.count_behind == (60 + 256 if has_test_split else 256)
    whole = encoded(model, toy_dataset, 256).parameters_MP
    expected = torch.cat([every.parameters_MP, whole]) if has_test_split else whole
    torch.testing.assert_close(every.behind.sort(0).values, expected.sort(0).values)
    assert torch.equal(every.behind[:60], every.parameters_MP)


def test_the_first_samples_are_mixed_and_stay_the_first(model: VAE, toy_dataset: Dataset):
    every = encoded(model, toy_dataset, 256)
    mixed = every.mixed(50)
    assert sorted(mixed.indices_M[:50].tolist()) == list(range(50))
    assert mixed.indices_M[:50].tolist() != list(range(50))
    assert mixed.indices_M[50:].tolist() == list(range(50, 256))
    assert torch.equal(mixed.z_MW, every.z_MW[mixed.indices_M])
