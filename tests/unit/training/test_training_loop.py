"""The loop is reproducible from (seed, step), resumes bit for bit, and stops when it diverges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import DivergedError, UsageError
from runner.model import build
from runner.objective import TERM_NAMES, Objective
from runner.training import Record, TrainingState, train
from runner.training.penalties import PENALTIES
from runner.training.source import Source

OVERRIDES = (
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
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    return TrainingState.fresh(model, config), objective


def records(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig, steps: int
) -> list[Record]:
    return [r for r in train(state, objective, dataset, config, steps) if r]


def parameters(state: TrainingState) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in state.model.parameters()])


def test_training_lowers_the_loss_and_records_the_terms(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*OVERRIDES, "objective=vae")
    state, objective = fresh(config, toy_dataset)
    got = records(state, objective, toy_dataset, config, 60)
    assert [r["step"] for r in got] == [1, *range(5, 61, 5)]
    assert got[-1]["loss"] < got[0]["loss"] - 2
    for record in got:  # the terms of a record are those of its own minibatch
        terms = sum(record[f"terms/{name}"] for name in TERM_NAMES)
        assert record["loss"] == pytest.approx(terms, abs=2.0)  # closed-form rate, sampled terms
        assert {"information/category", "information/style", "rate"} <= record.keys()


@pytest.mark.parametrize("stop", [1, 8, 23])
def test_a_resumed_run_equals_an_uninterrupted_run(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, stop: int
):
    config = composed(*OVERRIDES)
    whole, objective = fresh(config, toy_dataset)
    expected = records(whole, objective, toy_dataset, config, 30)
    first, objective = fresh(config, toy_dataset)
    for _ in train(first, objective, toy_dataset, config, 30):
        if first.step == stop:
            break
    saved = {k: {n: t.clone() for n, t in v.items()} for k, v in first.tensors().items()}
    second, objective = fresh(composed(*OVERRIDES), toy_dataset)
    second.restore(saved, stop)
    later = records(second, objective, toy_dataset, config, 30)
    assert later == [r for r in expected if r["step"] > stop]
    assert torch.equal(parameters(second), parameters(whole))


def test_another_seed_is_another_run(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    losses = []
    for seed in (0, 0, 1):
        config = composed(*OVERRIDES, f"seed={seed}")
        state, objective = fresh(config, toy_dataset)
        losses.append(records(state, objective, toy_dataset, config, 5)[-1]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_a_loss_that_is_not_finite_stops_the_run(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*OVERRIDES, "learning_rate=1e6", "prior=normal")
    state, objective = fresh(config, toy_dataset)
    with pytest.raises(DivergedError, match="no longer a finite number at step"):
        records(state, objective, toy_dataset, config, 100)


def test_clipping_bounds_the_gradient(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    config = composed(*OVERRIDES, "training.clip_gradient=0.01")
    state, objective = fresh(config, toy_dataset)
    next(train(state, objective, toy_dataset, config, 1))
    squares = [p.grad.square().sum() for p in state.model.parameters() if p.grad is not None]
    assert float(sum(squares)) ** 0.5 <= 0.01 * 1.001


def test_a_checkpoint_of_another_model_is_refused(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    state, _ = fresh(composed(*OVERRIDES), toy_dataset)
    other, _ = fresh(composed(*OVERRIDES, "prior.dimensions=6"), toy_dataset)
    with pytest.raises(UsageError, match="belongs to another model"):
        other.restore(state.tensors(), 3)


@pytest.mark.slow
def test_a_compiled_step_gives_the_same_losses(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    losses = []
    for compiled in ("false", "true"):
        config = composed(*OVERRIDES, f"training.compile={compiled}")
        state, objective = fresh(config, toy_dataset)
        losses.append([r["loss"] for r in records(state, objective, toy_dataset, config, 20)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_batch_has_labels_only_where_a_penalty_reads_them(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    config = composed(*OVERRIDES, "objective=annealed_vae")
    state, objective = fresh(config, toy_dataset)
    source = Source(state.model, objective.plan, toy_dataset, toy_dataset.train, config)
    indices = torch.arange(3, 19)
    batch = source.batch(indices, 0, objective.weights(0))
    assert batch.labels_B is None
    assert batch.is_labelled_B is None
    reader = replace(PENALTIES["capacity"], needs_labels=True)
    monkeypatch.setitem(PENALTIES, "capacity", reader)
    batch = source.batch(indices, 0, objective.weights(0))
    assert batch.labels_B is not None
    assert batch.is_labelled_B is not None
    assert batch.labels_B.tolist() == (indices % 4).tolist()
    assert bool(batch.is_labelled_B.all())
    images = toy_dataset.train.images(indices)
    assert torch.equal(batch.images_BCHW, images / 255)


def test_a_scheduled_learning_rate_is_that_of_the_step(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    plan = "learning_rate={linear: {from: 0.01, to: 0.001, over: 9}}"
    config = composed(*OVERRIDES, plan)
    state, objective = fresh(config, toy_dataset)
    for _ in train(state, objective, toy_dataset, config, 12):
        expected = 0.01 - 0.001 * min(9, state.step - 1)
        assert state.optimizer.learning_rate == pytest.approx(expected)


def test_a_record_names_each_scheduled_setting_once(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    """Beta is recorded, and not the weight that depends on it."""
    rise = "beta={linear: {from: 0, to: 8, over: 10}}"
    config = composed(*OVERRIDES, rise, "learning_rate={linear: {from: 1e-2, to: 1e-3, over: 9}}")
    state, objective = fresh(config, toy_dataset)
    got = records(state, objective, toy_dataset, config, 15)
    scheduled = [{k: v for k, v in r.items() if k.startswith("scheduled/")} for r in got]
    assert [set(each) for each in scheduled] == [{"scheduled/beta", "scheduled/learning_rate"}] * 4
    assert [each["scheduled/beta"] for each in scheduled] == pytest.approx([0, 3.2, 7.2, 8])


def test_a_record_holds_penalties_without_their_weight(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*OVERRIDES, "objective=dip_vae_ii", "prior=normal", "beta=3")
    state, objective = fresh(config, toy_dataset)
    (record,) = records(state, objective, toy_dataset, config, 1)
    reconstruction = record["terms/reconstruction"]
    expected = reconstruction + record["rate"] + record["penalties/moments"]
    assert record["loss"] == pytest.approx(expected, rel=1e-5)


def test_levels_are_recorded_where_groups_hold_groups(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    overrides = [override for override in OVERRIDES if not override.startswith("prior")]
    config = composed(*overrides, "prior=nested", "objective.levels=[2,3]")
    state, objective = fresh(config, toy_dataset)
    (record,) = records(state, objective, toy_dataset, config, 1)
    levels = [record[f"levels/{depth}"] for depth in (1, 2, 3)]
    assert levels[0] == record["terms/group_total_correlation"]
    within = record["terms/within_group_total_correlation"]
    assert sum(levels[1:]) == pytest.approx(within, abs=1e-5)
    assert "levels/4" not in record


def test_a_deterministic_code_has_its_reconstruction_alone(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(*OVERRIDES, "objective=ae", "prior=code")
    state, objective = fresh(config, toy_dataset)
    (record,) = records(state, objective, toy_dataset, config, 1)
    assert set(record) == {"step", "loss", "terms/reconstruction"}
    assert record["loss"] == record["terms/reconstruction"]


def test_only_the_encoder_sees_the_corruption(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    """With all pixels masked the code is constant; the loss still compares clean images."""
    overrides = (*OVERRIDES, "prior=code", "objective=denoising_ae")
    losses = {}
    for amount in (0, 1):
        config = composed(*overrides, f"objective.corruption.amount={amount}")
        state, objective = fresh(config, toy_dataset)
        got = records(state, objective, toy_dataset, config, 60)
        losses[amount] = got[-1]["loss"]
    assert losses[0] < losses[1] - 0.5
    black = composed(*overrides, "objective.corruption.amount=1")
    state, objective = fresh(black, toy_dataset)
    (record,) = records(state, objective, toy_dataset, black, 1)
    assert record["loss"] > 64 * 0.6  # the loss of grey images is at least their entropy


def test_recording_more_often_does_not_change_the_run(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    """Steps without a record may compute fewer terms."""
    got = []
    for every in (1, 7):
        config = composed(*OVERRIDES, f"training.record_every={every}", "alpha=2", "beta=2")
        state, objective = fresh(config, toy_dataset)
        records(state, objective, toy_dataset, config, 15)
        got.append(parameters(state))
    torch.testing.assert_close(*got)
