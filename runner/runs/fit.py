"""The steps of a run, and what is written while it trains: records, pictures and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from runner.console.run_display import Display, print_note
from runner.console.signals import Interrupt
from runner.console.speed import Speed
from runner.errors import InterruptedRun, PrunedRun
from runner.method import TrainedOn
from runner.runs.clock import Clock
from runner.runs.preparation import PreparedRun
from runner.runs.training_images import TrainingImages
from runner.runs.validations import Validations
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.tracking.trackers import Trackers
from runner.training import Record


class Watch:
    """Says after which steps of a run there is something to do."""

    def __init__(
        self,
        run: PreparedRun,
        interrupt: Interrupt,
        validations: Validations,
        images: TrainingImages,
        display: Display,
    ) -> None:
        self._run, self._interrupt, self._display = run, interrupt, display
        self._validations, self._images = validations, images
        self._pause = 60 * run.config.training.checkpoint_minutes
        self.saved()

    def saved(self) -> None:
        """Note that there is a checkpoint of the present step."""
        self._saved_at = time.monotonic()

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether the last checkpoint is so old that there is to be another one."""
        return time.monotonic() - self._saved_at > self._pause

    def is_due(self, record: Record | None) -> bool:
        """Note that a step is done, and return whether :func:`fit` is to be told of it."""
        step = self._run.step
        self._display.advance(step)
        return (
            record is not None
            or step >= self._run.steps
            or self._validations.is_due(step)
            or self._images.due(step)
            or self._interrupt.signal_number is not None
            or self.is_checkpoint_due
        )


def fit(
    run: PreparedRun, trackers: Trackers, interrupt: Interrupt, clock: Clock
) -> Generator[Watch, Record | None]:
    """Be told of the steps of a run, to the last; write every record, and checkpoints in between.

    Who makes the steps sends the record of each, or None where it has none. The steps for which
    the watch that is yielded sees nothing to do may be left out.

    Raises: what is thrown where a step has failed; PrunedRun; InterruptedRun after a signal.
    """
    if run.is_trained:
        return  # resumed for the evaluation alone
    validations = Validations(run)
    if run.step in (0, run.restarted):
        # So that a run that diverges at once has a checkpoint, and one that stopped goes on.
        _save(run, trackers, validations)
    speed = Speed(run.step, run.method.images_per_step(run.config), clock.now)
    images, pruned = TrainingImages(run), False
    with Display(
        run.config.name,
        run.steps,
        console=run.console,
        done=run.step,
        examples=run.dataset.kind.examples,
    ) as display:
        watch = Watch(run, interrupt, validations, images, display)
        while run.step < run.steps:
            record = validations.added((yield watch), speed)
            if record is not None:
                _write(run, trackers, record)
                display.record(record)
                pruned = run.goes_on is not None and not run.goes_on(record)
            images.log_if_due(trackers, speed)
            if validations.over or interrupt.signal_number is not None or pruned:
                break
            if watch.is_checkpoint_due:
                _save(run, trackers, validations)
                watch.saved()
    if run.method.note is not None:
        print_note(run.console, run.method.note)
    _save(run, trackers, validations)
    run.folder.update_status(images_per_second=round(speed.overall(run.step), 1))
    _note_early_stop(run, validations.over)
    stop_if_interrupted(run, interrupt)
    _stop_if_pruned(run, pruned=pruned)


def make_steps(
    run: PreparedRun, watch: Watch, story: Generator[Watch | None, Record | None]
) -> None:
    """Make the steps of a run that trains alone, and send them to its story.

    Raises: what the story raises, also of a step that has failed.
    """
    try:
        for record in run.method.train(run.config, run.steps):
            if watch.is_due(record) and story.send(record) is None:
                return
    except BaseException as error:
        story.throw(error)  # of a step; what the story itself has raised is only raised again
        raise


def _write(run: PreparedRun, trackers: Trackers, record: Record) -> None:
    run.folder.append_record(record)
    trackers.log(record, step=run.step)


def _stop_if_pruned(run: PreparedRun, *, pruned: bool) -> None:
    if pruned and run.step < run.steps:
        raise PrunedRun(f"pruned at step {run.step} of {run.steps}, after a checkpoint")


def _note_early_stop(run: PreparedRun, reason: str | None) -> None:
    if reason is not None and run.step < run.steps:
        run.folder.update_status(stopped_early=reason)
        print_note(run.console, f"stopped early at step {run.step:,}: {reason}")


def _save(run: PreparedRun, trackers: Trackers, validations: Validations) -> None:
    """Write a checkpoint, after the records up to it.

    Raises: DivergedError when a loss so far or a parameter is not finite.
    """
    run.method.check_finite()
    run.folder.sync_records()
    state: dict[str, Any] = {
        "step": run.step,
        "wandb_id": trackers.wandb_id,
        "dataset": TrainedOn.of(run.dataset).state(),
    }
    state |= validations.state()
    save_checkpoint(run.folder.path / "checkpoint", Checkpoint(run.method.tensors(), state))
    run.folder.update_status(step=run.step)


def stop_if_interrupted(run: PreparedRun, interrupt: Interrupt) -> None:
    """Raise InterruptedRun where the program has been asked to stop."""
    if interrupt.signal_number is None:
        return
    raise InterruptedRun(
        f"interrupted at step {run.step} of {run.steps}, after a checkpoint",
        f"go on with: vaerun resume {shown_path(run.folder.path)}",
        interrupt.signal_number,
    )


def shown_path(path: Path) -> Path:
    """Return a path, relative to the working directory if it is inside of it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
