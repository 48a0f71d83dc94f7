"""The training loop of vaerun, as a run has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from cases import Case
from gate import Gate
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from problem import images_of, parameters_of

from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.errors import VaerunError
from runner.objective import Objective
from runner.training import TrainingState, new_model, prepare, train


def run(case: Case, gate: Gate, compiled: str) -> None:
    try:
        config = configured(case, compiled)
    except (VaerunError, HydraException, OmegaConfBaseException, TypeError) as error:
        if compiled != "auto":
            raise
        gate.refuse(f"no training.compile=auto here: {str(error).splitlines()[0]}")
        return
    device = torch.device(case.device)
    prepare(device)
    dataset = dataset_of(case, device)
    state, objective = started(config, dataset, device)
    note = None
    if compiled == "auto":
        config, note = as_chosen(config, dataset, state, objective)
    gate.loaded(parameters_of(state.model.encoder, state.model.decoder), note)
    for _ in train(state, objective, dataset, config, config.steps):
        gate.step()


def configured(case: Case, compiled: str) -> RunConfig:
    """Return the settings of a case."""
    settings.register()
    banked = case.encodings and case.encodings > case.batch
    overrides = [
        f"architecture={case.architecture}",
        f"objective={case.objective}",
        f"batch_size={case.batch}",
        "prior=normal",
        f"prior.dimensions={case.latents}",
        f"training.compile={compiled}",
        f"objective.encodings={case.encodings if banked else 'null'}",
        f"device={case.device}",
        "steps=100000000",
    ]
    with initialize_config_dir(str(settings.data_root() / "conf"), version_base="1.3"):
        return settings.parse(compose("config", overrides))


def dataset_of(case: Case, device: torch.device) -> Dataset:
    """Return the images of a case on the device; their labels are all zero."""
    images = images_of(case).to(device)
    split = ResidentSplit(images, torch.zeros(len(images), 1, dtype=torch.long, device=device))
    factors, names = (Factor("label", 10),), tuple("0123456789")
    shape = tuple(images.shape[1:])
    return Dataset("rectangles", split, split, True, factors, shape, "label", names)  # noqa: FBT003


def started(
    config: RunConfig, dataset: Dataset, device: torch.device, seed: int = 0
) -> tuple[TrainingState, Objective]:
    """Return the state of a run before its first step, and its objective."""
    config = replace(config, seed=seed)
    model = new_model(config, dataset, device)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    return TrainingState.fresh(model, config), objective


def as_chosen(
    config: RunConfig, dataset: Dataset, state: TrainingState, objective: Objective
) -> tuple[RunConfig, str]:
    """Return the settings of a long run with the compilation that the program chooses, and why."""
    from runner.console.run_display import make_console
    from runner.method.vae import VaeMethod
    from runner.runs.compile_choice import choose_compile
    from runner.runs.preparation import PreparedRun
    from runner.store.run_folder import RunFolder

    run = PreparedRun(
        config=config, folder=RunFolder(Path("unused")), console=make_console(), dataset=dataset,
        method=VaeMethod(state, objective, dataset), steps=config.steps, wandb_mode="disabled",
        wandb_id=None,
    )  # fmt: skip
    chosen = choose_compile(run)
    return chosen.config, f"compile: {chosen.compile_line}"
