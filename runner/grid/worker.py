"""A worker: one process that trains the runs of a grid, until none is left.

Workers do not communicate. Each goes through the runs and locks the next one that no process has
locked, or several that can train together, so any number of workers, on any number of machines,
share a grid; a run whose worker died is trained by another.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.grid.failures import UnforeseenError, report_end, reported
from runner.grid.run_log import logged

if TYPE_CHECKING:
    from runner.grid.folder import GridFolder
    from runner.grid.search import KnownRuns, Trials
    from runner.runs.preparation import GoesOn

Tell = Callable[[Mapping[str, Any]], bool]
"""Receives {"begin": number}, and {"end": number, "state": …, "error": …} after it, of several
runs at a time where they train together; and {"note": line} for whoever watches.

Returns whether to go on with further runs: False if the parent process has exited."""

AGAIN = 75
"""Exit code of a worker after an unforeseen error: a new process should replace it."""


def work(
    path: Path, indices: tuple[int, ...], places: tuple[str, ...], tell: Tell, pack: int = 1
) -> None:
    """Train the runs of a grid that are not finished; return when none is left to lock.

    Up to ``pack`` runs of a kind are trained together. The error of a run that fails is written
    into its ``status.json``, and the others are trained.

    Raises:
        InterruptedRun: after a signal; the runs in progress have written a checkpoint.
        UnforeseenError: after an error that is a bug; a new worker can go on.
    """
    from runner.grid.claims import Claims
    from runner.grid.folder import GridFolder
    from runner.grid.search import trials_of

    grid = GridFolder.open(path)
    trials = trials_of(grid)
    left, trained = list(indices), True
    while trained:  # runs that were locked are tried again: their workers may have died
        trained, claims = False, Claims(grid, trials, pack)
        with closing(claims.of(left)) as claimed:
            for numbers in claimed:
                if len(numbers) == 1:
                    goes_on = _train(trials, numbers[0], places, tell)
                else:
                    goes_on, fitting = _train_together(trials, numbers, places, tell)
                    pack = claims.most = fitting or claims.most
                if not goes_on:
                    return
                _stop_after_signal()
                trained = True
        if claims.is_over:
            return
        left = claims.locked


def _stop_after_signal() -> None:
    """Raise InterruptedRun for a signal that came after the last run had finished."""
    from runner.console.signals import Interrupt
    from runner.errors import InterruptedRun

    if Interrupt.last is not None:
        raise InterruptedRun("interrupted, after the run at hand", None, Interrupt.last)


def _train(trials: Trials | KnownRuns, number: int, places: tuple[str, ...], tell: Tell) -> bool:
    """Train a run that this process has locked; return whether to go on after it."""
    grid = trials.begin(number)
    tell({"begin": number})
    unforeseen = None
    with logged(grid.run_path(number) / "log.txt"):
        try:
            error = _execute(grid, number, places, trials.watch(number))
        except UnforeseenError as bug:
            unforeseen, error = bug, str(bug)
    _free_memory()
    goes_on = report_end(trials, grid, number, error, tell)
    if unforeseen is not None:
        raise unforeseen
    return goes_on


def _free_memory() -> None:
    """Return the memory of a run to the system, which another run may not need."""
    gc.collect()
    from runner.training.allocator import return_freed_memory

    return_freed_memory()


def _train_together(
    trials: Trials | KnownRuns, numbers: list[int], places: tuple[str, ...], tell: Tell
) -> tuple[bool, int | None]:
    """Train runs that this process has locked.

    Returns whether to go on, and how many fit into the memory together, where these did not.
    """
    from runner.grid.packs import Packs

    packs = Packs(trials, places, tell)
    fitting = packs.train(numbers)
    _free_memory()
    return packs.goes_on, fitting


def _execute(
    grid: GridFolder, number: int, places: tuple[str, ...], goes_on: GoesOn | None
) -> str | None:
    """Train a run from its settings or its last checkpoint; return its error, or None."""
    from runner.errors import InterruptedRun

    try:
        from runner.grid.settings_of_run import composed, of_places
        from runner.runs.train import resume, start

        path = grid.run_path(number)
        if (path / "config.yaml").is_file():
            resume(path, of_places(places), goes_on=goes_on)
        else:
            start(*composed(grid, number, places), goes_on=goes_on)
    except InterruptedRun:
        raise
    except Exception as error:
        return reported(error)
    return None


def _hear_ctrl_c() -> None:
    """React to Ctrl-C, even if the parent process ignores it.

    Some schedulers send their signals to every process of a job. Only its first process reacts to
    them and forwards them as a Ctrl-C, so they are ignored here.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if "SUBMITIT_EXECUTOR" in os.environ:
        for number in (signal.SIGTERM, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)


def main() -> int:
    """Run as a process: read a job as JSON from stdin, and carry it out; return the exit code."""
    job = json.loads(sys.stdin.read())
    from runner.dataset import keep  # this imports torch

    keep(1)
    return carry_out(job)


def carry_out(job: Mapping[str, Any]) -> int:
    """Train the runs of a job, and report events as JSON lines on stdout.

    Returns the exit code: 0 if nothing is left, 130 after an interruption, 75 to be replaced, or
    that of an error that is expected.
    """
    from runner.console.streams import make_unfailing
    from runner.errors import InterruptedRun, VaerunError
    from runner.store.shown_text import escaped

    make_unfailing()
    channel = os.fdopen(os.dup(1), "w")

    def tell(event: Mapping[str, Any]) -> bool:
        try:
            channel.write(json.dumps(event) + "\n")
            channel.flush()
        except BrokenPipeError:  # the parent process has exited; the current run is still finished
            return False
        return True

    try:
        _hear_ctrl_c()
        places, pack = tuple(job["places"]), job.get("pack", 1)
        work(Path(job["path"]), tuple(job["indices"]), places, tell, pack)
    except (InterruptedRun, KeyboardInterrupt):
        return 130
    except VaerunError as error:  # the folder of a run is not as it was when the grid was begun
        sys.stderr.write(f"error: {escaped(error.message)}\n")
        return error.exit_code
    except UnforeseenError:
        return AGAIN
    return 0
