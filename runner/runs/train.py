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

from rich.console import Console

from runner import config as settings
from runner import memory
from runner.config import RunConfig
from runner.console.lines import print_labelled
from runner.console.run_display import Display, make_console, print_note
from runner.console.signals import Interrupt
from runner.console.speed import Speed
from runner.errors import DivergedError, InterruptedRun, UsageError, VaerunError
from runner.runs.checkpoints import asks_for_best, best_checkpoint, take_up
from runner.runs.evaluate import score_run, summarize_run
from runner.runs.load import LoadedRun
from runner.runs.preparation import PreparedRun, announce, new_folder, prepared
from runner.runs.saved import SavedRun
from runner.runs.trained_on import TrainedOn
from runner.runs.training_images import TrainingImages
from runner.runs.validations import Validations
from runner.store import provenance
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder
from runner.store.signature import sign
from runner.store.writable import require_writable
from runner.tracking.trackers import Trackers
from runner.training import describe_device, train

_RESUMABLE_SECTIONS = ("wandb.", "tracking.", "evaluation.", "training.stop_early.")
_RESUMABLE = (
    "steps", "epochs", "device", "data_dir", "plugins", "dataset.path", "dataset.factors",
    "dataset.changed", "training.checkpoint_minutes",
)  # fmt: skip


def start(
    config: RunConfig, path: Path, unresolved: str | None = None, console: Console | None = None
) -> None:
    """Train and evaluate a new run in the folder ``path``.

    Args:
        config: the settings, resolved.
        path: the folder, which is created if it does not exist.
        unresolved: the text of ``config_unresolved.yaml``, or None to write no such file.
        console: where progress is shown; None: on stderr, and the folder's path on stdout at the
            end, for other programs.

    Raises: VaerunError. What is refused before the first step leaves no folder; of what fails
        later, the folder's ``status.json`` has the message.
    """
    begun = time.monotonic()
    require_writable(path, "choose another folder with out=…")
    run = prepared(config, RunFolder(path), console=console)
    with new_folder(path), lock(path):
        _execute(run, begun, unresolved)
    if console is None:
        _print_path(path)


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
    _print_path(path)


def _check_overrides(overrides: list[str]) -> None:
    for override in overrides:
        key = override.partition("=")[0]
        if key not in _RESUMABLE and not key.startswith(_RESUMABLE_SECTIONS):
            sections = [f"{section}*" for section in _RESUMABLE_SECTIONS]
            allowed = ", ".join([*_RESUMABLE, *sections])
            raise UsageError(f"resume cannot change '{key}'", f"it can change {allowed}")


def _check_steps(saved: SavedRun, overrides: list[str]) -> None:
    step, config = saved.step, saved.config
    if saved.folder.read_status().get("state") == "finished" and not overrides:
        early = ", where it stopped early" if saved.is_stopped else ""
        hint = f"steps=N{'' if early else ' with a larger N'} trains it further"
        raise UsageError(f"'{saved.folder.path}' is finished, at step {step}{early}", hint)
    if config.epochs is None and config.steps < step:
        raise UsageError(f"steps={config.steps} lies before step {step}, where the run stands")


def _execute(run: PreparedRun, begun: float, unresolved: str | None = None) -> None:
    """Train and evaluate a run in its locked folder; the trackers are the last that can refuse."""
    folder = run.folder
    with Interrupt(run.console) as interrupt, _trackers(run) as trackers:
        _write_settings(run, unresolved)
        trackers.begin(run.state.step, trains=run.state.step < run.steps)
        with _record_status(folder, begun) as story:
            announce(run)
            for label, text in trackers.shown:
                print_labelled(run.console, label, text)
            _train(run, trackers, interrupt)
            story.append("evaluation: ")
            _evaluate(run, trackers, interrupt)
            trackers.finish(exit_code=0)
    folder.update_status(state="finished")


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
        **_of_images(run),
    )
    folder.rewind_records(run.state.step)


def _of_images(run: PreparedRun) -> dict[str, object]:
    """Return what ``status.json`` says of the user's own images, and of validations."""
    digest, part = run.dataset.digest, run.dataset.validation
    found: dict[str, object] = {} if digest is None else {"images_digest": digest}
    if part is not None:
        stopped = run.folder.read_status().get("stopped_early") if run.is_stopped else None
        found |= {"validation_images": part.size, "stopped_early": stopped}
    return found


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


def _train(run: PreparedRun, trackers: Trackers, interrupt: Interrupt) -> None:
    """Train to the last step; write every record, and a checkpoint every few minutes."""
    if run.is_trained:
        return  # resumed for the evaluation alone
    validations = Validations(run)
    if run.state.step in (0, run.restarted):
        # So that a run that diverges at once has a checkpoint, and one that stopped goes on.
        _save(run, trackers, validations)
    speed, images = Speed(run.state.step, run.config.batch_size), TrainingImages(run)
    saved_at = time.monotonic()
    title = run.config.name
    with Display(title, run.steps, console=run.console, done=run.state.step) as display:
        steps = train(run.state, run.objective, run.dataset, run.config, run.steps)
        for record in validations.beside(steps, speed):
            display.advance(run.state.step)
            if record is not None:
                run.folder.append_record(record)
                trackers.log(record, step=run.state.step)
                display.record(record)
            if images.due(run.state.step):
                trackers.log_images(images.draw(speed), run.state.step)
            if validations.over or interrupt.signal_number is not None:
                break
            if time.monotonic() - saved_at > 60 * run.config.training.checkpoint_minutes:
                _save(run, trackers, validations)
                saved_at = time.monotonic()
    _save(run, trackers, validations)
    run.folder.update_status(images_per_second=round(speed.overall(run.state.step), 1))
    _note_early_stop(run, validations.over)
    _stop_if_interrupted(run, interrupt)


def _note_early_stop(run: PreparedRun, reason: str | None) -> None:
    if reason is not None and run.state.step < run.steps:
        run.folder.update_status(stopped_early=reason)
        print_note(run.console, f"stopped early at step {run.state.step:,}: {reason}")


def _save(run: PreparedRun, trackers: Trackers, validations: Validations) -> None:
    """Write a checkpoint, after the records up to it.

    Raises: DivergedError when a loss so far or a parameter is not finite.
    """
    run.state.check_finite()
    run.folder.sync_records()
    state: dict[str, Any] = {
        "step": run.state.step,
        "wandb_id": trackers.wandb_id,
        "dataset": TrainedOn.of(run.dataset).state(),
    }
    state |= validations.state()
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


def _evaluate(run: PreparedRun, trackers: Trackers, interrupt: Interrupt) -> None:
    """Evaluate the trained model: summary and figures, then the scores of ``metrics``."""
    run.model.eval()
    step = _take_evaluated(run)
    trained = LoadedRun(run.model, run.dataset, run.config, run.folder, step, run.console)

    def check() -> None:
        _stop_if_interrupted(run, interrupt)

    try:
        paths = summarize_run(trained, trackers, check)
        paths |= score_run(trained, run.config.metrics, trackers, check)
    except VaerunError as error:
        goes_on = f"vaerun resume {_shown(run.folder.path)} goes on with the evaluation"
        error.hint = error.hint or f"the run is trained: {goes_on}"
        raise
    trackers.log_figures(paths, step=run.state.step)


def _take_evaluated(run: PreparedRun) -> int:
    """Give the model the parameters that are evaluated, of the last or the best checkpoint.

    Returns the step that they are of.
    """
    if not asks_for_best(run.config):
        return run.state.step
    best = best_checkpoint(run.folder.path, last_step=run.state.step)
    if best is None:
        print_note(run.console, "no validation was the best: the last checkpoint is evaluated")
        return run.state.step
    step = take_up(run.model, best)
    print_labelled(run.console, "checkpoint", f"the best, of step {step:,}")
    return step


def _trackers(run: PreparedRun) -> Trackers:
    return Trackers(run.config, run.folder.path, run.wandb_id, run.wandb_mode)


def _print_path(path: Path) -> None:
    sys.stdout.write(f"{_shown(path)}\n")  # the only output on stdout, for other programs


def _shown(path: Path) -> Path:
    """Return a path, relative to the working directory if it is inside of it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
