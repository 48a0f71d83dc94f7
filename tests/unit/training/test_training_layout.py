"""Channels last changes where numbers lie, and nothing that is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.model import build
from runner.objective import Objective
from runner.store.checkpoint import Checkpoint, save
from runner.training import TrainingState, lay_out_by_rows, layout, train

CONV = ("architecture=conv", "architecture.channels=4", "batch_size=8", "objective=vae")


@pytest.fixture
def images() -> Dataset:
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 32, 32), generator=draws, dtype=torch.uint8)
    split = ResidentSplit(images, torch.zeros(40, 1, dtype=torch.long))
    return Dataset("r", split, split, True, (Factor("label", 10),), (3, 32, 32), None, ())  # noqa: FBT003


def fresh(config: RunConfig, dataset: Dataset) -> tuple[TrainingState, Objective]:
    model = build(config, shape=dataset.shape, classes=0)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    return TrainingState.fresh(model, config), objective


def trained(
    config: RunConfig, dataset: Dataset, steps: int, state: TrainingState | None = None
) -> TrainingState:
    made, objective = fresh(config, dataset)
    state = state or made

    for _ in train(state, objective, dataset, config, steps):
        pass
    return state


def strides(state: TrainingState) -> list[tuple[int, ...]]:
    return [p.stride() for p in state.model.parameters() if p.dim() == 4]


def test_it_trains_as_in_any_layout(
    composed: Callable[..., RunConfig], images: Dataset, monkeypatch: pytest.MonkeyPatch
):
    config = composed(*CONV)
    last = trained(config, images, 3)
    assert strides(last)
    assert all(stride[1] == 1 for stride in strides(last))
    monkeypatch.setattr(layout, "_SMALLEST", 64)
    rows = trained(config, images, 3)
    assert all(stride[-1] == 1 for stride in strides(rows))
    for file, tensors in rows.tensors().items():
        for name, tensor in tensors.items():
            found = last.tensors()[file][name]
            assert found.stride() == tensor.stride()
            torch.testing.assert_close(found, tensor, rtol=1e-3, atol=1e-4)


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(
    composed: Callable[..., RunConfig], images: Dataset, tmp_path: Path
):
    config = composed(*CONV)
    whole = trained(config, images, 6).tensors()
    half = trained(config, images, 4).tensors()
    save(tmp_path / "checkpoint", Checkpoint(half, {"step": 4}))  # refuses other layouts
    again, _ = fresh(config, images)

    again.restore(half, 4)
    resumed = trained(config, images, 6, again).tensors()
    assert all(torch.equal(resumed[f][n], whole[f][n]) for f in whole for n in whole[f])


def test_a_trained_model_is_that_of_its_checkpoint(
    composed: Callable[..., RunConfig], images: Dataset
):
    config = composed(*CONV)
    state = trained(config, images, 2)
    other, _ = fresh(config, images)
    other.model.load_state_dict(state.parameters()["model"])
    lay_out_by_rows(state.model)
    inputs = images.train.images(torch.arange(8)) / 255
    assert strides(state) == strides(other)
    assert torch.equal(state.model.encode(inputs), other.model.encode(inputs))
