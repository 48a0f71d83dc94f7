"""A worker: one process that trains the runs of a grid, one after the other, until none is left.

Workers do not communicate. Each goes through the runs and locks the next one that no process has
locked, so any number of workers, on any number of machines, share a grid; a run whose worker died
is trained by another.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.config import RunConfig
    from runner.grid.folder import GridFolder
    from runner.grid.search import KnownRuns, Trials
    from runner.runs.preparation import GoesOn

Tell = Callable[[Mapping[str, Any]], bool]
"""Receives {"begin": number}, and {"end": number, "state": …, "error": …} after it.

Returns whether to go on with further runs: False if the parent process has exited."""

AGAIN = 75
"""Exit code of a worker after an unforeseen error: a new process should replace it."""


class UnforeseenError(Exception):
    """A run failed by a bug: the state of this process may be corrupt."""


def work(path: Path, indices: tuple[int, ...], places: tuple[str, ...], tell: Tell) -> None:
    """Train the runs of a grid that are not finished; return when none is left to lock.

    The error of a run that fails is written into its ``status.json``, and the others are trained.

    Raises:
        InterruptedRun: after a signal; the run in progress has written a checkpoint.
        UnforeseenError: after an error that is a bug; a new worker can go on.
    """
    from runner.grid.folder import GridFolder
    from runner.grid.search import trials_of
    from runner.store.confined import make_folder
    from runner.store.lock import LockedError, lock

    grid = GridFolder.open(path)
    trials = trials_of(grid)
    left, trained = list(indices), True
    while trained:  # runs that were locked are tried again: their workers may have died
        trained, locked = False, list[int]()
        for number in left:
            if grid.state(number).settled:
                continue
            if trials.is_over(number):
                return
            make_folder(grid.run_path(number), path)
            try:
                with lock(grid.run_path(number)):
                    if grid.state(number).settled:  # another worker has just finished it
                        continue
                    if not _train(trials, number, places, tell):
                        return
                    _stop_after_signal()
                    trained = True
            except LockedError:
                locked.append(number)
        left = locked


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
    with _log(grid.run_path(number) / "log.txt"):
        try:
            error = _execute(grid, number, places, trials.watch(number))
        except UnforeseenError as bug:
            unforeseen, error = bug, str(bug)
    if error is not None and not grid.state(number).settled:
        grid.mark(number, "failed", error)
    trials.end()
    _free_memory()
    state = grid.state(number)
    if unforeseen is None:
        return tell({"end": number, "state": state.state, "error": state.error})
    tell({"end": number, "state": state.state, "error": state.error})
    raise unforeseen


def _free_memory() -> None:
    """Return the memory of a run to the system, which another run may not need."""
    gc.collect()
    from runner.training.allocator import return_freed_memory

    return_freed_memory()


def _execute(
    grid: GridFolder, number: int, places: tuple[str, ...], goes_on: GoesOn | None
) -> str | None:
    """Train a run from its settings or its last checkpoint; return its error, or None."""
    from runner.errors import InterruptedRun, PrunedRun, VaerunError

    try:
        from runner.runs.train import resume, start

        path = grid.run_path(number)
        if (path / "config.yaml").is_file():
            here = [place for place in places if not place.startswith("hydra.")]
            resume(path, here, goes_on=goes_on)
        else:
            start(*composed(grid, number, places), goes_on=goes_on)
    except InterruptedRun:
        raise
    except PrunedRun as stop:
        sys.stderr.write(f"{stop.message}\n")
    except VaerunError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.message
    except OSError as error:
        traceback.print_exc()
        return f"{error.strerror or error}"
    except Exception as error:
        traceback.print_exc()
        first = next(iter(str(error).splitlines()), "")
        raise UnforeseenError(f"{type(error).__name__}: {first}") from error
    return None


def composed(grid: GridFolder, number: int, places: tuple[str, ...]) -> tuple[RunConfig, Path, str]:
    """Return the settings of a run, its folder, and the text of ``config_unresolved.yaml``.

    The settings that distinguish the run from the others of its grid are added to its name.
    """
    from runner.config.composition import compose

    of_grid = [f"sweep_name={grid.name}"] if grid.name else []
    composition = compose([*of_grid, *grid.runs[number], *places])
    config = composition.parse()
    named = replace(config, name=f"{config.name} {_names(grid)[number]}".rstrip())
    return named, grid.run_path(number), composition.to_yaml()


@lru_cache(maxsize=1)
def _names(grid: GridFolder) -> list[str]:
    """Return the suffix of each run's name; computed once per grid."""
    from runner.grid.labels import names_of

    return names_of(grid)


@contextmanager
def _log(path: Path) -> Generator[None]:
    """Redirect stdout and stderr into a file, including the output of C libraries."""
    from runner.store.confined import open_to_append

    sys.stdout.flush()
    sys.stderr.flush()
    file = open_to_append(path, path.parent)
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), saved, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        file.close()


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
        work(Path(job["path"]), tuple(job["indices"]), tuple(job["places"]), tell)
    except (InterruptedRun, KeyboardInterrupt):
        return 130
    except VaerunError as error:  # the folder of a run is not as it was when the grid was begun
        sys.stderr.write(f"error: {escaped(error.message)}\n")
        return error.exit_code
    except UnforeseenError:
        return AGAIN
    return 0
