"""The story of one run, told step by step: whoever makes its steps hears what they are for.

A run that trains alone and a run of a pack have the same story. Its steps are made elsewhere: by
:func:`runner.runs.fit.make_steps`, or with those of other runs in :mod:`runner.runs.pack`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass

from runner.console.lines import print_labelled
from runner.console.run_display import print_note
from runner.console.signals import Interrupt
from runner.errors import VaerunError
from runner.runs.checkpoints import asks_for_best, best_checkpoint, take_up
from runner.runs.clock import Clock
from runner.runs.evaluate import score_run, summarize_run
from runner.runs.fit import Watch, fit, shown_path, stop_if_interrupted
from runner.runs.load import LoadedRun
from runner.runs.preparation import PreparedRun, announce, new_folder
from runner.runs.saved import SavedRun
from runner.runs.status import record_status, write_settings
from runner.store.lock import lock
from runner.tracking.trackers import Trackers
from runner.training import Record

Story = Generator[Watch | None, Record | None]
"""Yields a watch where it is to be sent the records of steps, and None once before the evaluation,
after which it is to be sent None when its turn has come."""


@dataclass(frozen=True)
class Ready:
    """A run that can begin, or go on: all that can be refused has been."""

    run: PreparedRun
    clock: Clock
    unresolved: str | None = None
    """The text of ``config_unresolved.yaml``; None: it is not written."""
    saved: SavedRun | None = None
    """What its folder held; None: it is a new run."""


def story_of(ready: Ready, interrupt: Interrupt) -> Story:
    """Train and evaluate a run in its folder, with steps that are made by who listens.

    Raises: VaerunError, among others what is thrown where a step has failed.
    """
    path, saved = ready.run.folder.path, ready.saved
    with nullcontext() if saved else new_folder(path), lock(path):
        if saved:
            saved.require_unchanged()
        yield from _told(ready, interrupt)


def _told(ready: Ready, interrupt: Interrupt) -> Story:
    """Tell the story in the locked folder; the trackers are the last that can refuse."""
    run, folder = ready.run, ready.run.folder
    with _trackers(run) as trackers:
        write_settings(run, ready.unresolved)
        trackers.begin(run.step, trains=not run.is_trained)
        with record_status(folder, ready.clock) as doing:
            announce(run)
            for label, text in trackers.shown:
                print_labelled(run.console, label, text)
            yield from fit(run, trackers, interrupt, ready.clock)
            yield None
            doing.append("evaluation: ")
            _evaluate(run, trackers, interrupt)
            trackers.finish(exit_code=0)
    folder.update_status(state="finished")


def _evaluate(run: PreparedRun, trackers: Trackers, interrupt: Interrupt) -> None:
    """Evaluate the trained model: summary and figures, then the scores of ``metrics``."""
    run.method.finish()
    step = _take_evaluated(run)
    trained = LoadedRun(run.method, run.dataset, run.config, run.folder, step, run.console)

    def check() -> None:
        stop_if_interrupted(run, interrupt)

    try:
        paths = summarize_run(trained, trackers, check)
        paths |= score_run(trained, run.config.metrics, trackers, check)
    except VaerunError as error:
        goes_on = f"vaerun resume {shown_path(run.folder.path)} goes on with the evaluation"
        error.hint = error.hint or f"the run is trained: {goes_on}"
        raise
    trackers.log_figures(paths, step=run.step)


def _take_evaluated(run: PreparedRun) -> int:
    """Give the model the parameters that are evaluated, of the last or the best checkpoint.

    Returns the step that they are of.
    """
    if not asks_for_best(run.config):
        return run.step
    best = best_checkpoint(run.folder.path, last_step=run.step)
    if best is None:
        print_note(run.console, "no validation was the best: the last checkpoint is evaluated")
        return run.step
    step = take_up(run.method, best)
    print_labelled(run.console, "checkpoint", f"the best, of step {step:,}")
    return step


def _trackers(run: PreparedRun) -> Trackers:
    return Trackers(run.config, run.folder.path, run.wandb_id, run.wandb_mode)
