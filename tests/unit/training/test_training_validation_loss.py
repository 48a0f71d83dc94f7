"""The loss of images that are set aside is that of training, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, set_aside
from runner.training import Record, generator, train, validation_loss
from tests.unit.training.test_training_state import KINDS, OVERRIDES, flat, fresh

EVERY = ("validation.every=5", "validation.images=48")


def trained(config: RunConfig, dataset: Dataset, steps: int):
    state, objective = fresh(config, dataset)
    records: list[Record] = [r for r in train(state, objective, dataset, config, steps) if r]
    return state, objective, records


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_same_with_and_without_validations(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, kind: str
):
    config = composed(*OVERRIDES, *KINDS[kind], *EVERY)
    dataset = set_aside(toy_dataset, config.validation, torch.device("cpu"))
    assert dataset.validation is not None
    alone, _, expected = trained(config, dataset, 9)
    watched, objective = fresh(config, dataset)
    found: list[Record] = []
    losses: list[float] = []
    for record in train(watched, objective, dataset, config, 9):
        losses.append(validation_loss(watched, objective, dataset, dataset.validation, config))
        if record:
            found.append(record)
    assert found == expected
    assert all(torch.equal(flat(alone)[name], tensor) for name, tensor in flat(watched).items())
    again = validation_loss(watched, objective, dataset, dataset.validation, config)
    assert again == losses[-1] != losses[0]


def test_it_is_the_loss_of_training_for_the_same_images(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    """Of one minibatch of a deterministic autoencoder, where no noise enters."""
    config = composed(*OVERRIDES, "objective=ae", "prior=code", "validation.every=5")
    state, objective = fresh(config, toy_dataset)
    config = replace(config, batch_size=16)
    (record,) = [r for r in train(state, objective, toy_dataset, config, 1) if r]
    state, objective = fresh(config, toy_dataset)
    order = torch.randperm(
        toy_dataset.train.size, generator=generator(torch.device("cpu"), config.seed, "order", 0)
    )
    rows = order[:16]  # those of the first step
    images, factors = toy_dataset.train.images(rows), toy_dataset.train.factors(rows)
    part = replace(toy_dataset.train, images_NCHW=images, factors_NF=factors)  # pyright: ignore
    found = validation_loss(state, objective, toy_dataset, part, config)
    assert found == pytest.approx(record["loss"], rel=1e-5)


def test_penalties_and_scheduled_weights_are_those_of_the_last_step(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    schedule = "objective.penalties.moments.off_diagonal={linear: {from: 0, to: 100, over: 4}}"
    config = composed(*OVERRIDES, "objective=beta_vae", *EVERY, schedule)
    plain = composed(*OVERRIDES, "objective=beta_vae", *EVERY)
    dataset = set_aside(toy_dataset, config.validation, torch.device("cpu"))
    assert dataset.validation is not None

    def loss(of: RunConfig, step: int) -> float:
        state, objective = fresh(of, dataset)
        state.step = step
        assert dataset.validation is not None
        return validation_loss(state, objective, dataset, dataset.validation, of)

    assert loss(config, 1) == loss(plain, 1)
    assert loss(config, 5) > loss(config, 3) > loss(plain, 3) == loss(plain, 5)
