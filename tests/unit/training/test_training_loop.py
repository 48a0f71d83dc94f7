"""The loop: repeatable from (seed, step), resumable bit for bit, and honest when it diverges."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import DivergedError, UsageError
from runner.model import build
from runner.objective import TERM_NAMES, Objective
from runner.training import Record, TrainingState, train

WORDS = (
    "architecture=mlp",
    "architecture.widths=[16]",
    "prior=concrete_normal",
    "prior.dimensions=4",
    "objective=hfvae",
    "batch_size=32",
    "training.record_every=5",
)


def fresh(config: RunConfig, dataset: Dataset) -> tuple[TrainingState, Objective]:
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    groups = model.prior.group_names
    objective = Objective.from_config(config.objective, groups, dataset.train.size)
    return TrainingState.fresh(model, config.learning_rate), objective


def records(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig, steps: int
) -> list[Record]:
    return [r for r in train(state, objective, dataset.train, config, steps) if r]


def parameters(state: TrainingState) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in state.model.parameters()])


def test_training_lowers_the_loss_and_records_the_terms(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*WORDS, "objective=vae")
    state, objective = fresh(config, toy_dataset)
    got = records(state, objective, toy_dataset, config, 60)
    assert [r["step"] for r in got] == [1, *range(5, 61, 5)]
    assert got[-1]["loss"] < got[0]["loss"] - 2
    for record in got:  # the terms of a record are those of its own minibatch
        terms = sum(record[f"terms/{name}"] for name in TERM_NAMES)
        assert record["loss"] == pytest.approx(terms, abs=2.0)  # closed-form rate, sampled terms
        assert {"information/category", "information/style", "rate"} <= record.keys()


@pytest.mark.parametrize("stop", [1, 8, 23])
def test_a_run_that_stops_and_goes_on_is_the_run_that_never_stopped(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, stop: int
):
    config = composed(*WORDS)
    whole, objective = fresh(config, toy_dataset)
    expected = records(whole, objective, toy_dataset, config, 30)
    first, objective = fresh(config, toy_dataset)
    for _ in train(first, objective, toy_dataset.train, config, 30):
        if first.step == stop:
            break
    saved = {k: {n: t.clone() for n, t in v.items()} for k, v in first.tensors().items()}
    second, objective = fresh(composed(*WORDS), toy_dataset)
    second.restore(saved, stop)
    later = records(second, objective, toy_dataset, config, 30)
    assert later == [r for r in expected if r["step"] > stop]
    assert torch.equal(parameters(second), parameters(whole))


def test_another_seed_is_another_run(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    losses = []
    for seed in (0, 0, 1):
        config = composed(*WORDS, f"seed={seed}")
        state, objective = fresh(config, toy_dataset)
        losses.append(records(state, objective, toy_dataset, config, 5)[-1]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_a_loss_that_is_not_finite_stops_the_run(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*WORDS, "learning_rate=1e6", "prior=normal")
    state, objective = fresh(config, toy_dataset)
    with pytest.raises(DivergedError, match="no longer a finite number at step"):
        records(state, objective, toy_dataset, config, 100)


def test_clipping_bounds_the_gradient(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    config = composed(*WORDS, "training.clip_gradient=0.01")
    state, objective = fresh(config, toy_dataset)
    next(train(state, objective, toy_dataset.train, config, 1))
    squares = [p.grad.square().sum() for p in state.model.parameters() if p.grad is not None]
    assert float(sum(squares)) ** 0.5 <= 0.01 * 1.001


def test_a_checkpoint_of_another_model_is_refused(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    state, _ = fresh(composed(*WORDS), toy_dataset)
    other, _ = fresh(composed(*WORDS, "prior.dimensions=6"), toy_dataset)
    with pytest.raises(UsageError, match="belongs to another model"):
        other.restore(state.tensors(), 3)


@pytest.mark.slow
def test_a_compiled_step_gives_the_same_losses(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    losses = []
    for compiled in ("false", "true"):
        config = composed(*WORDS, f"training.compile={compiled}")
        state, objective = fresh(config, toy_dataset)
        losses.append([r["loss"] for r in records(state, objective, toy_dataset, config, 20)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
