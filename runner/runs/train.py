"""Training of one run, from its settings to its folder: read this module first.

Files, the clock and W&B are used in this package; the packages that it imports for training and
evaluation only compute.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner import config as settings
from runner import memory
from runner.config import RunConfig
from runner.console.lines import print_labelled
from runner.console.run_display import Display, make_console, print_note
from runner.console.signals import Interrupt
from runner.console.speed import Speed
from runner.errors import DivergedError, InterruptedRun, UsageError, VaerunError
from runner.runs.evaluate import open_wandb, score_run, summarize_run
from runner.runs.load import LoadedRun
from runner.runs.preparation import PreparedRun, announce, new_folder, prepared
from runner.runs.saved import SavedRun
from runner.store import provenance
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder
from runner.store.signature import sign
from runner.store.writable import require_writable
from runner.tracking.run import WandbRun
from runner.training import describe_device, train

_RESUMABLE_SECTIONS = ("wandb.", "evaluation.", "figures.")
_RESUMABLE = (
    "steps", "epochs", "device", "data_dir", "dataset.path", "dataset.factors",
    "training.checkpoint_minutes",
)  # fmt: skip


def start(config: RunConfig, path: Path, unresolved: str | None = None) -> None:
    """Train and evaluate a new run in the folder ``path``.

    Args:
        config: the settings, resolved.
        path: the folder, which is created if it does not exist.
        unresolved: the text of ``config_unresolved.yaml``, or None to write no such file.

    Raises: VaerunError. What is refused before the first step leaves no folder; of what fails
        later, the folder's ``status.json`` has the message.
    """
    begun = time.monotonic()
    require_writable(path, "choose another folder with out=…")
    run = prepared(config, RunFolder(path))
    with new_folder(path), lock(path):
        _execute(run, begun, unresolved)


def resume(path: Path, overrides: list[str], *, trusted: bool = False) -> None:
    """Continue the run of a folder from its last checkpoint.

    ``trusted``: whether a stranger's run goes on where its folder says.

    Raises: UsageError when the folder holds no run, nothing is left to do, a setting cannot be
        overridden, or another process works in the folder; DataError when the checkpoint is
        missing or corrupt; otherwise as :func:`start`. What is refused changes nothing.
    """
    begun = time.monotonic()
    _check_overrides(overrides)
    if is_locked(path):
        raise LockedError(path)
    saved = SavedRun.read(path, overrides, trusted=trusted)
    _check_steps(saved, overrides)
    if saved.note:
        print_note(make_console(), f"'{path}' is {saved.note}")
    run = prepared(saved.config, saved.folder, saved)
    with lock(path):
        saved.require_unchanged()
        _execute(run, begun)


def _check_overrides(overrides: list[str]) -> None:
    for override in overrides:
        key = override.partition("=")[0]
        if key not in _RESUMABLE and not key.startswith(_RESUMABLE_SECTIONS):
            allowed = ", ".join([*_RESUMABLE, "wandb.*", "evaluation.*", "figures.*"])
            raise UsageError(f"resume cannot change '{key}'", f"it can change {allowed}")


def _check_steps(saved: SavedRun, overrides: list[str]) -> None:
    step, config = saved.step, saved.config
    if saved.folder.read_status().get("state") == "finished" and not overrides:
        hint = "steps=N with a larger N trains it further"
        raise UsageError(f"'{saved.folder.path}' is finished, at step {step}", hint)
    if config.epochs is None and config.steps < step:
        raise UsageError(f"steps={config.steps} lies before step {step}, where the run stands")


def _execute(run: PreparedRun, begun: float, unresolved: str | None = None) -> None:
    """Train and evaluate a run in its locked folder; W&B is the last that can refuse."""
    folder = run.folder
    with Interrupt(run.console) as interrupt, _wandb(run) as wandb_run:
        _write_settings(run, unresolved)
        with _record_status(folder, begun) as story:
            announce(run)
            print_labelled(run.console, "W&B", f"{wandb_run.mode}: {wandb_run.reason}")
            _train(run, wandb_run, interrupt)
            story.append("evaluation: ")
            _evaluate(run, wandb_run, interrupt)
            wandb_run.finish(exit_code=0)
    folder.update_status(state="finished")
    sys.stdout.write(f"{_shown(folder.path)}\n")  # the only output on stdout, for other programs


def _write_settings(run: PreparedRun, unresolved: str | None) -> None:
    """Write the settings and the state of a run that begins, or goes on."""
    folder, text = run.folder, settings.to_yaml(run.config)
    if unresolved is not None:
        folder.write_unresolved(unresolved)
    sign(folder.path / "config.yaml", text.encode())
    folder.write_config(text)
    folder.update_status(
        state="running",
        error=None,
        **provenance.process(),
        versions=provenance.versions(),
        git_revision=provenance.git_revision(),
        step=run.state.step,
        steps=run.steps,
        train_images=run.dataset.train.size,
        device=describe_device(run.device),
    )
    folder.rewind_records(run.state.step)


@contextmanager
def _record_status(folder: RunFolder, begun: float) -> Generator[list[str]]:
    """Write to ``status.json`` how long the run took, and the state and error if it failed.

    The error begins with what was done at that time, which is added to the list that it yields.
    """
    before = float(folder.read_status().get("seconds") or 0.0)
    story: list[str] = []
    try:
        yield story
    except BaseException as error:
        stopped = isinstance(error, (InterruptedRun, KeyboardInterrupt))
        ending = "diverged" if isinstance(error, DivergedError) else "failed"
        too_little = memory.failure(error)
        lines = str(too_little or error).splitlines() or [type(error).__name__]
        at = "" if stopped else "".join(story[-1:])
        state = "interrupted" if stopped else ending
        folder.update_status(state=state, error=f"{at}{lines[0]}")
        if too_little is not None:
            raise too_little from error
        raise
    finally:
        folder.update_status(seconds=round(before + time.monotonic() - begun, 1))


def _train(run: PreparedRun, wandb_run: WandbRun, interrupt: Interrupt) -> None:
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


def _save(run: PreparedRun, wandb_run: WandbRun) -> None:
    """Write a checkpoint, after the records up to it.

    Raises: DivergedError when a loss so far or a parameter is not finite.
    """
    run.state.check_finite()
    run.folder.sync_records()
    state: dict[str, Any] = {"step": run.state.step, "wandb_id": wandb_run.id}
    save_checkpoint(run.folder.path / "checkpoint", Checkpoint(run.state.tensors(), state))
    run.folder.update_status(step=run.state.step)


def _stop_if_interrupted(run: PreparedRun, interrupt: Interrupt) -> None:
    if interrupt.signal_number is None:
        return
    raise InterruptedRun(
        f"interrupted at step {run.state.step} of {run.steps}, after a checkpoint",
        f"go on with: vaerun resume {_shown(run.folder.path)}",
        interrupt.signal_number,
    )


def _evaluate(run: PreparedRun, wandb_run: WandbRun, interrupt: Interrupt) -> None:
    """Evaluate the trained model: summary and figures, then the scores of ``metrics``."""
    run.model.eval()
    trained = LoadedRun(run.model, run.dataset, run.config, run.folder, run.state.step, run.console)

    def check() -> None:
        _stop_if_interrupted(run, interrupt)

    try:
        paths = summarize_run(trained, wandb_run, check)
        paths |= score_run(trained, run.config.metrics, wandb_run, check)
    except VaerunError as error:
        goes_on = f"vaerun resume {_shown(run.folder.path)} goes on with the evaluation"
        error.hint = error.hint or f"the run is trained: {goes_on}"
        raise
    wandb_run.log_figures(paths, step=run.state.step)


def _wandb(run: PreparedRun) -> WandbRun:
    return open_wandb(run.config, run.folder, run.wandb_id, run.wandb_mode)


def _shown(path: Path) -> Path:
    """Return a path, relative to the working directory if it is inside of it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
