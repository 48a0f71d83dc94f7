"""A checkpoint that someone made is refused in one line, and changes nothing in the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import DataError, UsageError
from runner.objective import Objective
from runner.training import TrainingState, new_model, train

OVERRIDES = (
    "architecture=mlp", "architecture.widths=[8]", "prior.dimensions=4", "batch_size=16",
    "objective=factor_vae", "objective.penalties.discriminator.widths=[8]",
    "objective.encodings=40",
)  # fmt: skip
STEP = 2
Files = dict[str, dict[str, Tensor]]


@pytest.fixture
def made(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> tuple[TrainingState, Files]:
    """An untrained state, and the checkpoint of a trained one."""
    config, cpu = composed(*OVERRIDES), torch.device("cpu")
    trained = TrainingState.fresh(new_model(config, toy_dataset, cpu), config)
    objective = Objective.from_config(config, trained.model.latents.tree, toy_dataset.train.size)
    list(train(trained, objective, toy_dataset, config, STEP))
    parts = trained.tensors().items()
    files = {file: {name: t.clone() for name, t in part.items()} for file, part in parts}
    return TrainingState.fresh(new_model(config, toy_dataset, cpu), config), files


def first(tensors: dict[str, Tensor], end: str) -> str:
    return next(name for name in tensors if name.endswith(end))


def with_shape(*shape: int) -> Callable[[Tensor], Tensor]:
    return lambda tensor: torch.zeros(shape, dtype=tensor.dtype)


def filled(value: float) -> Callable[[Tensor], Tensor]:
    return lambda tensor: torch.full_like(tensor, value)


def of_type(kind: torch.dtype) -> Callable[[Tensor], Tensor]:
    return lambda tensor: tensor.to(kind)


CHANGES: list[tuple[str, str, Callable[[Tensor], Tensor], str]] = [
    ("model", "weight", with_shape(3, 3), "has shape 3x3, not "),
    ("model", "bias", with_shape(1), "has shape 1, not "),
    ("model", "weight", of_type(torch.float64), "has type float64, not float32"),
    ("model", "weight", of_type(torch.int32), "has type int32, not float32"),
    ("model", "weight", filled(float("nan")), "is not finite"),
    ("model", "bias", filled(float("inf")), "is not finite"),
    ("optimizer", "/step", with_shape(2), "has shape 2, not ()"),
    ("optimizer", "/step", filled(-1), "is below zero"),
    ("optimizer", "/exp_avg", with_shape(1), "has shape 1, not "),
    ("optimizer", "/exp_avg", of_type(torch.float16), "has type float16, not float32"),
    ("optimizer", "/exp_avg", filled(float("inf")), "is not finite"),
    ("optimizer", "/exp_avg_sq", filled(float("nan")), "is below zero, or not a number"),
    ("optimizer", "/exp_avg_sq", filled(-1e-3), "is below zero, or not a number"),
    ("discriminator_model", "weight", with_shape(2), "has shape 2, not "),
    ("discriminator_optimizer", "/exp_avg_sq", filled(-1), "is below zero"),
    ("bank", "encodings", with_shape(1, 8), "has shape 1x8, not 24x8"),
    ("bank", "encodings", filled(float("nan")), "is not finite"),
    ("bank", "images", of_type(torch.float32), "has type float32, not int64"),
]


def refused(state: TrainingState, files: Files) -> str:
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    with pytest.raises((UsageError, DataError)) as caught:
        state.restore(files, STEP)
    after = state.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert state.step == 0
    assert "\n" not in caught.value.message
    wrong_kind = "belongs to another model than config.yaml: " in caught.value.message
    assert isinstance(caught.value, UsageError if wrong_kind else DataError)
    return caught.value.message


@pytest.mark.parametrize(("file", "end", "change", "message"), CHANGES)
def test_a_forged_tensor_is_named(
    made: tuple[TrainingState, Files],
    file: str,
    end: str,
    change: Callable[[Tensor], Tensor],
    message: str,
) -> None:
    state, files = made
    name = first(files[file], end)
    files[file][name] = change(files[file][name])
    found = refused(state, files)
    assert f"'{name}' in '{file}' {message}" in found


@pytest.mark.parametrize(
    "file", ["model", "optimizer", "discriminator_model", "discriminator_optimizer", "bank"]
)
def test_missing_and_further_tensors_are_named(
    made: tuple[TrainingState, Files], file: str
) -> None:
    state, files = made
    whole = files[file]
    name = next(iter(whole))
    assert f"'{file}' has no '{name}'" in refused(
        state, {**files, file: {n: t for n, t in whole.items() if n != name}}
    )
    files[file] = {**whole, "other": torch.zeros(2)}
    assert f"'{file}' also has 'other'" in refused(state, files)
    files[file] = {}
    refused(state, files)
    del files[file]
    assert f"it has no '{file}'" in refused(state, files)


def test_a_squared_gradient_may_have_become_infinite(made: tuple[TrainingState, Files]) -> None:
    state, files = made
    name = first(files["optimizer"], "/exp_avg_sq")
    files["optimizer"][name] = torch.full_like(files["optimizer"][name], float("inf"))
    state.restore(files, STEP)
    assert state.step == STEP
