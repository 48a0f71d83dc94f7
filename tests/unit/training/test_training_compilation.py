"""A step is compiled where it can be, and the run goes on where it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, compilation, missing_compiler, train

SETTINGS = (
    "architecture=mlp",
    "architecture.widths=[16]",
    "objective=hfvae",
    "batch_size=32",
    "training.record_every=5",
)


def trained(config: RunConfig, dataset: Dataset, steps: int) -> tuple[list[Record], TrainingState]:
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    state = TrainingState.fresh(model, config)
    return [r for r in train(state, objective, dataset, config, steps) if r], state


def with_compile(config: RunConfig, *, value: bool | str) -> RunConfig:
    return replace(config, training=replace(config.training, compile=value))


def test_where_the_compiler_fails_steps_are_as_without_it(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    def fails(**_: bool) -> Callable[..., Any]:
        raise RuntimeError("no such\n instruction")

    monkeypatch.setattr(compilation, "_compiled", fails)
    config = composed(*SETTINGS)
    plain, _ = trained(with_compile(config, value=False), toy_dataset, 12)
    found, state = trained(with_compile(config, value=True), toy_dataset, 12)
    assert found == plain
    assert state.compile_failure == "RuntimeError: no such"


def test_an_error_of_the_step_is_none_of_the_compiler(monkeypatch: pytest.MonkeyPatch):
    def fails(*arguments: Any, **others: Any) -> None:
        raise ValueError("of the step")

    monkeypatch.setattr(compilation, "_compiled", lambda **_: fails)
    monkeypatch.setattr(compilation, "step", fails)
    with pytest.raises(ValueError, match="of the step"):
        compilation.CompiledStep(torch.device("cpu"))(None, with_terms=False)


def test_a_choice_that_is_open_is_not_compiled(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(compilation, "_compiled", None)
    _, state = trained(with_compile(composed(*SETTINGS), value="auto"), toy_dataset, 3)
    assert state.compile_failure is None


def test_a_machine_without_a_compiler_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert missing_compiler(torch.device("cpu")) == "a C++ compiler"
    assert missing_compiler(torch.device("mps")) == "a compiler for mps"
    monkeypatch.setenv("CXX", sys.executable)
    assert missing_compiler(torch.device("cpu")) is None


def test_steps_that_are_not_compiled_import_nothing_of_the_compiler():
    code = (
        "import sys; from runner.runs.compile_choice import choose_compile;"
        "from runner.config.composition import compose_run; import torch;"
        "from runner.training import TrainingState, train; from runner.model import build;"
        "from runner.objective import Objective; from runner.dataset import load;"
        "c = compose_run(['dataset=digits', 'architecture.widths=[4]', 'steps=2']);"
        "d = load(c.dataset, 'data', torch.device('cpu'));"
        "m = build(c, shape=d.shape, classes=10);"
        "o = Objective.from_config(c, m.latents.tree, d.train.size);"
        "list(train(TrainingState.fresh(m, c), o, d, c, 2));"
        "print('torch._dynamo' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.slow
def test_compiled_runs_resume_with_the_same_bits(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = with_compile(composed(*SETTINGS), value=True)
    model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, toy_dataset.train.size)
    state = TrainingState.fresh(model, config)
    for _ in train(state, objective, toy_dataset, config, 12):
        if state.step == 7:
            break
    halfway = state.tensors()
    whole, _ = trained(config, toy_dataset, 12)
    again = TrainingState.fresh(
        build(config, shape=toy_dataset.shape, classes=toy_dataset.classes), config
    )
    again.restore(halfway, 7)
    later = [r for r in train(again, objective, toy_dataset, config, 12) if r]
    assert later == [r for r in whole if r["step"] > 7]
    assert again.compile_failure is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("objective", ["vae", "hfvae", "factor_vae", "annealed_vae"])
def test_no_step_without_a_record_waits_for_the_gpu(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, *, compiled: bool, objective: str
):
    settings = (*SETTINGS, f"objective={objective}", "training.record_every=1000")
    config = with_compile(composed(*settings), value=compiled)
    device = torch.device("cuda")
    split = replace(
        toy_dataset.train,
        images_NCHW=toy_dataset.train.images_NCHW.to(device),
        factors_NF=toy_dataset.train.factors_NF.to(device),
    )
    dataset = replace(toy_dataset, train=split)
    model = build(config, shape=dataset.shape, classes=dataset.classes).to(device)
    of = Objective.from_config(config, model.latents.tree, dataset.train.size)
    steps = train(TrainingState.fresh(model, config), of, dataset, config, 100)
    for _ in range(6):  # compile, record graphs
        next(steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")
