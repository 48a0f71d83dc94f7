"""Dropout and batch norm in a run that is left and taken up again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.errors import UsageError
from runner.objective import Objective
from runner.training import (
    Record,
    TrainingState,
    check_compatibility,
    new_model,
    train,
    validation_loss,
)
from tests.word_counts import corpus

CPU = torch.device("cpu")
COUNTS = (
    "architecture=prodlda", "architecture.widths=[6]", "prior=dirichlet_laplace",
    "prior.dimensions=4", "prior.group_size=2", "likelihood=multinomial", "objective=hfvae",
    "batch_size=20", "training.record_every=1",
)  # fmt: skip


def fresh(config: RunConfig) -> tuple[TrainingState, Objective]:
    model = new_model(config, corpus(), CPU)
    return TrainingState.fresh(model, config), Objective.from_config(config, model.latents.tree, 60)


def until(
    state: TrainingState, objective: Objective, config: RunConfig, steps: int
) -> list[Record]:
    return [r for r in train(state, objective, corpus(), config, steps) if r]


def test_a_run_that_is_resumed_is_bit_for_bit_the_same(composed: Callable[..., RunConfig]):
    config = composed(*COUNTS)
    whole, objective = fresh(config)
    records = until(whole, objective, config, 8)
    left, _ = fresh(config)
    first = until(left, objective, config, 3)
    resumed, _ = fresh(config)
    resumed.restore(left.tensors(), 3)
    assert first + until(resumed, objective, config, 8) == records
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name])
    averages = [n for n in whole.tensors()["model"] if n.endswith("running_var")]
    assert averages == ["encoder.norm.norm.running_var", "decoder.norm.norm.running_var"]


def test_dropout_changes_training_and_not_validation(composed: Callable[..., RunConfig]):
    config, other = composed(*COUNTS), composed(*COUNTS, "architecture.dropout=0")
    losses, validated = [], []
    for each in (config, other):
        state, objective = fresh(each)
        state.model.eval()
        validated.append(validation_loss(state, objective, corpus(), corpus().test, each))
        state.model.train()
        losses.append(until(state, objective, each, 1)[0]["loss"])
    assert losses[0] != losses[1]
    assert validated[0] == validated[1]


def test_noise_of_pixels_is_not_added_to_counts(composed: Callable[..., RunConfig]):
    words = ("objective.corruption.amount=0.1", "objective.corruption.kind=gaussian")
    config = composed(*COUNTS, *words)
    state, objective = fresh(config)
    with pytest.raises(UsageError, match=r"is of values from 0 to 1, and .* has counts"):
        check_compatibility(config, state.model.latents, objective, corpus())
    masked = composed(*COUNTS, words[0])
    state, objective = fresh(masked)
    check_compatibility(masked, state.model.latents, objective, corpus())
    assert until(state, objective, masked, 1)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_counts_need_the_multinomial(composed: Callable[..., RunConfig], likelihood: str):
    config = composed(*COUNTS, f"likelihood={likelihood}")
    state, objective = fresh(config)
    with pytest.raises(UsageError, match="is no distribution over counts"):
        check_compatibility(config, state.model.latents, objective, corpus())
