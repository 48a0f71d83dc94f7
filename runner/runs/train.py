"""Training of one run, from its settings to its folder: read this module first.

Files, the clock and W&B are used in this package; the packages that it imports for training and
evaluation only compute.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from runner.config import RunConfig
from runner.console.lines import print_labelled
from runner.console.run_display import make_console, print_note
from runner.console.signals import Interrupt
from runner.errors import UsageError, VaerunError
from runner.runs.checkpoints import asks_for_best, best_checkpoint, take_up
from runner.runs.compile_choice import choose_compile
from runner.runs.evaluate import score_run, summarize_run
from runner.runs.fit import fit, shown_path, stop_if_interrupted
from runner.runs.load import LoadedRun
from runner.runs.preparation import GoesOn, PreparedRun, announce, new_folder, prepared
from runner.runs.saved import SavedRun
from runner.runs.status import record_status, write_settings
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder
from runner.store.writable import require_writable
from runner.tracking.trackers import Trackers
from runner.training import lay_out_by_rows

_RESUMABLE_SECTIONS = (
    "wandb.", "tracking.", "evaluation.", "figures.", "training.stop_early.",
)  # fmt: skip
_RESUMABLE = (
    "steps", "epochs", "device", "data_dir", "plugins", "dataset.path", "dataset.factors",
    "dataset.changed", "training.checkpoint_minutes",
)  # fmt: skip


def start(
    config: RunConfig,
    path: Path,
    unresolved: str | None = None,
    console: Console | None = None,
    goes_on: GoesOn | None = None,
) -> None:
    """Train and evaluate a new run in the folder ``path``.

    Args:
        config: the settings, resolved.
        path: the folder, which is created if it does not exist.
        unresolved: the text of ``config_unresolved.yaml``, or None to write no such file.
        console: where progress is shown; None: on stderr, and the folder's path on stdout at the
            end, for other programs.
        goes_on: says of each record whether training goes on; None: it always does.

    Raises: VaerunError; PrunedRun where ``goes_on`` has ended the run. What is refused before the
        first step leaves no folder; of what fails later, ``status.json`` has the message.
    """
    begun = time.monotonic()
    require_writable(path, "choose another folder with out=…")
    run = replace(prepared(config, RunFolder(path), console=console), goes_on=goes_on)
    run = choose_compile(run)
    with new_folder(path), lock(path):
        _execute(run, begun, unresolved)
    if console is None:
        _print_path(path)


def resume(
    path: Path, overrides: list[str], *, trusted: bool = False, goes_on: GoesOn | None = None
) -> None:
    """Continue the run of a folder from its last checkpoint.

    ``trusted``: whether a stranger's run goes on where its folder says; ``goes_on`` as of
    :func:`start`.

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
    run = replace(prepared(saved.config, saved.folder, saved), goes_on=goes_on)
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
        write_settings(run, unresolved)
        trackers.begin(run.state.step, trains=not run.is_trained)
        with record_status(folder, begun) as story:
            announce(run)
            for label, text in trackers.shown:
                print_labelled(run.console, label, text)
            fit(run, trackers, interrupt)
            story.append("evaluation: ")
            _evaluate(run, trackers, interrupt)
            trackers.finish(exit_code=0)
    folder.update_status(state="finished")


def _evaluate(run: PreparedRun, trackers: Trackers, interrupt: Interrupt) -> None:
    """Evaluate the trained model: summary and figures, then the scores of ``metrics``."""
    run.model.eval()
    lay_out_by_rows(run.model)
    step = _take_evaluated(run)
    trained = LoadedRun(run.model, run.dataset, run.config, run.folder, step, run.console)

    def check() -> None:
        stop_if_interrupted(run, interrupt)

    try:
        paths = summarize_run(trained, trackers, check)
        paths |= score_run(trained, run.config.metrics, trackers, check)
    except VaerunError as error:
        goes_on = f"vaerun resume {shown_path(run.folder.path)} goes on with the evaluation"
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
    sys.stdout.write(f"{shown_path(path)}\n")  # the only output on stdout, for other programs
