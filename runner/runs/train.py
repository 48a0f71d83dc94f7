"""Training of one run, from its settings to its folder: read this module first.

Files, the clock and W&B are used in this package; the packages that it imports for training and
evaluation only compute.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from runner import config as settings
from runner.config import RunConfig, Schedule, Value
from runner.console.lines import print_labelled
from runner.console.run_display import Display, make_console, print_settings
from runner.console.signals import Interrupt
from runner.console.speed import Speed
from runner.dataset import Dataset, load
from runner.errors import DivergedError, InterruptedRun, UsageError, VaerunError
from runner.model import VAE
from runner.objective import Objective
from runner.runs.evaluate import open_wandb, score_run, summarize_run
from runner.runs.load import LoadedRun, naming_version, version_of
from runner.store import provenance
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import load as load_checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.store.lock import lock
from runner.store.run_folder import RunFolder
from runner.tracking.run import WandbRun
from runner.training import (
    TrainingState,
    active_penalties,
    check_compatibility,
    choose_device,
    describe_device,
    new_model,
    prepare,
    shown_schedules,
    steps_of,
    train,
)

_RESUMABLE_SECTIONS = ("wandb.", "evaluation.")
_RESUMABLE = ("steps", "epochs", "device", "data_dir", "training.checkpoint_minutes")


def start(config: RunConfig, path: Path, unresolved: str | None = None) -> None:
    """Train and evaluate a new run in the folder ``path``.

    Args:
        config: the settings, resolved.
        path: the folder, which is created if it does not exist.
        unresolved: the text of ``config_unresolved.yaml``, or None to write no such file.

    Raises: VaerunError, after its message is written to the folder's ``status.json``.
    """
    folder = RunFolder.create(path)
    with lock(path):
        if unresolved is not None:
            folder.write_unresolved(unresolved)
        _execute(config, folder, checkpoint=None)


def resume(path: Path, overrides: list[str]) -> None:
    """Continue the run of a folder from its last checkpoint.

    Raises: UsageError when the folder holds no run, nothing is left to do, a setting cannot be
        overridden, or another process works in the folder; otherwise as :func:`start`.
    """
    folder = RunFolder.open(path)
    with lock(path):
        _resume(folder, overrides)


def _resume(folder: RunFolder, overrides: list[str]) -> None:
    for override in overrides:
        key = override.partition("=")[0]
        if key not in _RESUMABLE and not key.startswith(_RESUMABLE_SECTIONS):
            allowed = ", ".join([*_RESUMABLE, "wandb.*", "evaluation.*"])
            raise UsageError(f"resume cannot change '{key}'", f"it can change {allowed}")
    with naming_version(version_of(folder)):
        config = settings.restore(folder.read_config(), overrides)
    # A run that was killed before its first checkpoint starts again from step 0.
    started = (folder.path / "checkpoint" / "state.json").is_file()
    checkpoint = load_checkpoint(folder.path / "checkpoint") if started else None
    step = checkpoint.state["step"] if checkpoint else 0
    if folder.read_status().get("state") == "finished" and not overrides:
        hint = "steps=N with a larger N trains it further"
        raise UsageError(f"'{folder.path}' is finished, at step {step}", hint)
    if config.epochs is None and config.steps < step:
        raise UsageError(f"steps={config.steps} lies before step {step}, where the run stands")
    _execute(config, folder, checkpoint)


@dataclass(frozen=True)
class _Run:
    """The data, model and state of a run, after all settings have been checked."""

    config: RunConfig
    folder: RunFolder
    console: Console
    dataset: Dataset
    objective: Objective
    state: TrainingState
    steps: int

    @property
    def model(self) -> VAE:
        return self.state.model

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


def _execute(config: RunConfig, folder: RunFolder, checkpoint: Checkpoint | None) -> None:
    version = version_of(folder)
    folder.write_config(settings.to_yaml(config))
    folder.update_status(
        state="running",
        error=None,
        **provenance.process(),
        versions=provenance.versions(),
        git_revision=provenance.git_revision(),
    )
    with _record_status(folder):
        with naming_version(version):
            run = _prepare(config, folder, checkpoint)
        saved_id = checkpoint.state.get("wandb_id") if checkpoint else None
        with Interrupt(run.console) as interrupt, _wandb(run, saved_id) as wandb_run:
            _train(run, wandb_run, interrupt)
            _evaluate(run, wandb_run, interrupt)
            wandb_run.finish(exit_code=0)
    folder.update_status(state="finished")
    sys.stdout.write(f"{_shown(folder.path)}\n")  # the only output on stdout, for other programs


@contextmanager
def _record_status(folder: RunFolder) -> Generator[None]:
    """Write to ``status.json`` how long the run took, and the state and error if it failed."""
    before = float(folder.read_status().get("seconds") or 0.0)
    begun = time.monotonic()
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, (InterruptedRun, KeyboardInterrupt))
        diverged = isinstance(error, DivergedError)
        state = "interrupted" if stopped else "diverged" if diverged else "failed"
        lines = str(error).splitlines() or [type(error).__name__]
        folder.update_status(state=state, error=lines[0])
        if isinstance(error, torch.OutOfMemoryError):
            hint = "a smaller batch_size or evaluation.encodings needs less"
            raise VaerunError("the device has too little memory", hint) from error
        raise
    finally:
        folder.update_status(seconds=round(before + time.monotonic() - begun, 1))


def _prepare(config: RunConfig, folder: RunFolder, checkpoint: Checkpoint | None) -> _Run:
    """Load the data, build the model, and restore the checkpoint if there is one."""
    console = make_console()
    device = choose_device(config.device)
    prepare(device)
    dataset = load(config.dataset, config.data_dir, device)
    steps = steps_of(config, dataset)
    model = new_model(config, dataset, device)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    check_compatibility(config, model.latents, objective, dataset)
    state = TrainingState.fresh(model, config)
    if checkpoint:
        state.restore(checkpoint.tensors, checkpoint.state["step"])
    folder.rewind_records(state.step)
    folder.update_status(
        step=state.step,
        steps=steps,
        train_images=dataset.train.size,
        device=describe_device(device),
    )
    run = _Run(config, folder, console, dataset, objective, state, steps)
    _announce(run)
    return run


def _train(run: _Run, wandb_run: WandbRun, interrupt: Interrupt) -> None:
    """Train to the last step; write every record, and a checkpoint every few minutes."""
    if run.state.step >= run.steps:
        return  # resumed for the evaluation alone
    if run.state.step == 0:
        _save(run, wandb_run)  # so that a run that diverges at once has a checkpoint, too
    speed = Speed(run.state.step, run.config.batch_size)
    saved_at = time.monotonic()
    title = run.config.name
    with Display(title, run.steps, console=run.console, done=run.state.step) as display:
        for record in train(run.state, run.objective, run.dataset, run.config, run.steps):
            display.advance(run.state.step)
            if record is not None:
                record["images_per_second"] = speed.at(run.state.step)
                run.folder.append_record(record)
                wandb_run.log(record, step=run.state.step)
                display.record(record)
            if interrupt.signal_number is not None:
                break
            if time.monotonic() - saved_at > 60 * run.config.training.checkpoint_minutes:
                _save(run, wandb_run)
                saved_at = time.monotonic()
    _save(run, wandb_run)
    run.folder.update_status(images_per_second=round(speed.overall(run.state.step), 1))
    _stop_if_interrupted(run, interrupt)


def _save(run: _Run, wandb_run: WandbRun) -> None:
    """Write a checkpoint, after the records up to it.

    Raises: DivergedError when a loss so far or a parameter is not finite.
    """
    run.state.check_finite()
    run.folder.sync_records()
    state: dict[str, Any] = {"step": run.state.step, "wandb_id": wandb_run.id}
    save_checkpoint(run.folder.path / "checkpoint", Checkpoint(run.state.tensors(), state))
    run.folder.update_status(step=run.state.step)


def _stop_if_interrupted(run: _Run, interrupt: Interrupt) -> None:
    if interrupt.signal_number is None:
        return
    raise InterruptedRun(
        f"interrupted at step {run.state.step} of {run.steps}, after a checkpoint",
        f"go on with: vaerun resume {_shown(run.folder.path)}",
        interrupt.signal_number,
    )


def _evaluate(run: _Run, wandb_run: WandbRun, interrupt: Interrupt) -> None:
    """Evaluate the trained model: summary and figures, then the scores of ``metrics``."""
    run.model.eval()
    trained = LoadedRun(run.model, run.dataset, run.config, run.folder, run.state.step, run.console)

    def check() -> None:
        _stop_if_interrupted(run, interrupt)

    paths = summarize_run(trained, wandb_run, check)
    paths |= score_run(trained, run.config.metrics, wandb_run, check)
    wandb_run.log_figures(paths, step=run.state.step)


def _wandb(run: _Run, run_id: str | None) -> WandbRun:
    wandb_run = open_wandb(run.config, run.folder, run_id)
    print_labelled(run.console, "W&B", f"{wandb_run.mode}: {wandb_run.reason}")
    return wandb_run


def _announce(run: _Run) -> None:
    """Print the main settings of the run and the weights of its objective."""
    config, dataset, latents = run.config, run.dataset, run.model.latents
    shape = "x".join(str(n) for n in dataset.shape)
    weights = run.objective.term_weights(run.state.step)
    rows = {
        "objective": config.objective.name,
        "weights": "  ".join(f"{name} {weight:g}" for name, weight in weights.items()),
        "dataset": f"{dataset.name}, {dataset.train.size:,} images to train on, {shape}",
        "model": f"{config.architecture.name}, groups {', '.join(latents.group_names)}",
        "steps": f"{run.state.step:,} to {run.steps:,}, batches of {config.batch_size}",
        "device": describe_device(run.device),
    }
    rewards = [
        f"{_number(weight)} on I(x; {name})"
        for name, weight in config.objective.group_information.items()
        if weight != 0
    ]
    if rewards:
        rows["weights"] += "  and " + ", ".join(rewards)
    if penalties := active_penalties(run.objective):
        rows["penalties"] = "  ".join(penalties)
    if plans := shown_schedules(config):
        rows["scheduled"] = "  ".join(f"{n} {p.start:g} to {p.end:g}" for n, p in plans.items())
    if len(latents.group_names) == 1 and weights["group_total_correlation"] != 1:
        rows["note"] = (
            "the prior has one group, so no correlation between groups: prior.group_size=2"
        )
    print_settings(run.console, config.name, rows)


def _number(value: Value) -> str:
    return "a schedule" if isinstance(value, Schedule) else f"{value:g}"


def _shown(path: Path) -> Path:
    """Return a path, relative to the working directory if it is inside of it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
