"""Checkpoints save and restore everything that changes in training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import DivergedError, UsageError
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, train

OVERRIDES = (
    "architecture=mlp", "architecture.widths=[8]", "prior.dimensions=4", "batch_size=16",
    "training.record_every=4",
)  # fmt: skip
WIDTHS = "objective.penalties.discriminator.widths=[8]"
KINDS = {
    "discriminator": ("objective=factor_vae", WIDTHS),
    "bank": ("objective=hfvae", "objective.encodings=56"),
    "schedules": (
        "objective=hfvae", "prior=concrete_normal",
        "beta={linear: {from: 0, to: 8, over: 20}}",
        "learning_rate={cosine: {from: 0.01, to: 0.001, over: 25}}",
        "prior.temperature={linear: {from: 1, to: 0.3, over: 20}}",
    ),
    "all at once": (
        "objective=factor_vae", "objective.encodings=40", WIDTHS,
        "alpha={cyclic: {from: 0, to: 1, over: 9}}", "objective.weights.index_code_mi=${alpha}",
    ),
    "learned prior": ("objective=hfvae", "prior=vamp", "prior.pseudo_inputs=5"),
    "values of a code": ("objective=qlae", "training.weight_decay=0.1"),
    "noisy images": ("objective=denoising_ae",),
    "probes": ("objective=contractive_ae",),
}  # fmt: skip


def fresh(config: RunConfig, dataset: Dataset) -> tuple[TrainingState, Objective]:
    model = build(
        config,
        shape=dataset.shape,
        classes=dataset.classes,
        images=lambda: dataset.probe_images(torch.device("cpu")),
    )
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    return TrainingState.fresh(model, config), objective


def records(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig, steps: int
) -> list[Record]:
    return [r for r in train(state, objective, dataset, config, steps) if r]


def flat(state: TrainingState) -> dict[str, Tensor]:
    return {f"{file}/{name}": tensor.clone() for file, part in state.tensors().items()
            for name, tensor in part.items()}  # fmt: skip


def saved(state: TrainingState) -> dict[str, dict[str, Tensor]]:
    return {k: {n: t.clone() for n, t in v.items()} for k, v in state.tensors().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_run_equals_an_uninterrupted_run(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, kind: str
):
    """Bit for bit, also with the memory bank and the discriminator of some objectives."""
    config, stop, steps = composed(*OVERRIDES, *KINDS[kind]), 13, 24
    whole, objective = fresh(config, toy_dataset)
    expected = records(whole, objective, toy_dataset, config, steps)
    first, objective = fresh(config, toy_dataset)
    records(first, objective, toy_dataset, config, stop)
    second, objective = fresh(config, toy_dataset)
    second.restore(saved(first), stop)
    assert second.step == stop
    later = records(second, objective, toy_dataset, config, steps)
    assert later == [r for r in expected if r["step"] > stop]
    got, wanted = flat(second), flat(whole)
    assert got.keys() == wanted.keys()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("schedules", {"model", "optimizer"}),
        ("discriminator", {"model", "optimizer", "discriminator_model", "discriminator_optimizer"}),
        ("bank", {"model", "optimizer", "bank"}),
    ],
)
def test_a_checkpoint_holds_the_parts_of_the_state(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, kind: str, files: set[str]
):
    state, _ = fresh(composed(*OVERRIDES, *KINDS[kind]), toy_dataset)
    assert set(state.tensors()) == files


def test_the_bank_has_a_place_for_each_encoding_beyond_the_minibatch(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    state, objective = fresh(config := composed(*OVERRIDES, *KINDS["bank"]), toy_dataset)
    assert state.bank is not None
    assert state.bank.encodings_KP.shape == (40, 8)
    records(state, objective, toy_dataset, config, 2)
    assert state.bank.is_held().sum() == 32
    records(state, objective, toy_dataset, config, 3)
    assert state.bank.is_held().sum() == 40
    records(state, objective, toy_dataset, config, 20)  # into the second epoch
    held = state.bank.images_K[state.bank.images_K >= 0]
    assert len(held.unique()) == len(held)


@pytest.mark.parametrize(
    ("kind", "change"),
    [("bank", "objective.encodings=60"), ("discriminator", WIDTHS.replace("8", "9"))],
)  # fmt: skip
def test_a_checkpoint_of_another_shape_is_refused(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, kind: str, change: str
):
    state, _ = fresh(composed(*OVERRIDES, *KINDS[kind]), toy_dataset)
    other, _ = fresh(composed(*OVERRIDES, *KINDS[kind], change), toy_dataset)
    with pytest.raises(UsageError, match="belongs to another model"):
        other.restore(state.tensors(), 3)


@pytest.mark.parametrize("kind", ["bank", "discriminator"])
def test_a_checkpoint_that_lacks_a_part_is_refused(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, kind: str
):
    plain, _ = fresh(composed(*OVERRIDES, "objective=hfvae"), toy_dataset)
    state, _ = fresh(composed(*OVERRIDES, *KINDS[kind]), toy_dataset)
    with pytest.raises(UsageError, match="belongs to another model"):
        state.restore(plain.tensors(), 3)


def test_a_parameter_that_is_not_finite_is_found(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    state, _ = fresh(composed(*OVERRIDES), toy_dataset)
    state.check_finite()
    with torch.no_grad():
        next(state.model.parameters()).view(-1)[3] = torch.inf
    with pytest.raises(DivergedError, match="at step 0"):
        state.check_finite()
