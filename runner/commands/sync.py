"""``vaerun sync``: bring runs that were logged offline to W&B, each once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from rich.console import Console
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.manual import SYNC
from runner.console.lines import print_labelled
from runner.console.run_display import make_console, print_error
from runner.errors import InterruptedRun, UsageError, VaerunError
from runner.store.find_runs import runs_beneath
from runner.store.lock import LockedError, is_locked, lock
from runner.tracking.mode import require_server
from runner.tracking.upload import Uploads, is_own_log, is_uploaded, offline_logs

_AT_ONCE = 4
"""How many runs are uploaded side by side: W&B is slow to answer, and each takes a process."""


@dataclass(frozen=True)
class _Run:
    """A run folder, its logs from times offline, and those that W&B does not have yet."""

    path: Path
    logs: tuple[Path, ...]
    pending: tuple[Path, ...]

    @classmethod
    def at(cls, path: Path) -> _Run:
        logs = tuple(offline_logs(path))
        return cls(path, logs, tuple(log for log in logs if not is_uploaded(log)))


def run(arguments: Arguments) -> int:
    """Upload every run that is named or lies in a folder that is, where W&B does not have it yet.

    Prints the paths of what was uploaded on stdout, a line each, and returns the exit code: 1 where
    some failed, else 0. A run that still goes on is left for later.

    Raises:
        UsageError: a folder holds no run, or there is no key that the server takes.
        VaerunError: the server does not answer.
        InterruptedRun: by Ctrl-C, after the uploads that were under way.
    """
    runs = _runs_beneath(_folders(arguments))
    console = make_console()
    waiting = [run for run in runs if run.pending]
    trusted = "--trust" in arguments.flags
    own = [run for run in waiting if trusted or all(map(is_own_log, run.pending))]
    strange = _strange(console, [run for run in waiting if run not in own], alone=not own)
    pending = _ended(console, own)
    if not pending:
        logged = sum(1 for run in runs if run.logs and not run.pending)
        has = f"W&B has {_runs(logged)} that {_were(logged)} logged offline"
        if not strange:
            console.print(f"nothing to upload: {has if logged else 'no run was logged offline'}")
        return int(strange)
    host = require_server()
    print_labelled(console, "uploading", f"{_runs(len(pending))} to {host}")
    return max(_Uploading(console, pending).carry_out(), int(strange))


def _folders(arguments: Arguments) -> list[Path]:
    if arguments.overrides:
        message = f"sync takes no settings such as '{arguments.overrides[0]}'"
        raise UsageError(message, SYNC.usage[0])
    if not arguments.operands:
        raise UsageError("sync takes run folders", SYNC.usage[0])
    return [Path(operand) for operand in arguments.operands]


def _runs_beneath(folders: Sequence[Path]) -> list[_Run]:
    """Return the run folders, and all runs in folders of runs, the first first, each once.

    Raises: UsageError where there is none.
    """
    found: dict[Path, _Run] = {}
    for folder in folders:
        for path in runs_beneath(folder):
            found.setdefault(path.resolve(), _Run.at(path))
    return list(found.values())


def _strange(console: Console, runs: Sequence[_Run], *, alone: bool) -> bool:
    """Name runs that are not this user's, which stay where they are; return whether there are any.

    Raises: UsageError where there are no others.
    """
    if not runs:
        return False
    first = f"'{runs[0].path}'"
    these = first if len(runs) == 1 else f"{first} and {_runs(len(runs) - 1)} more"
    message = f"not known as yours: {these}; the log says what is uploaded, and where to"
    hint = "--trust uploads it all the same"
    if alone:
        raise UsageError(message, hint)
    _say(console, f"left out, {message}: {hint}")
    return True


def _ended(console: Console, runs: Sequence[_Run]) -> list[_Run]:
    """Return the runs that nobody works on, and name the others; a killed one has ended."""
    running = [run for run in runs if is_locked(run.path)]
    for run in running:
        _leave(console, run)
    return [run for run in runs if run not in running]


def _leave(console: Console, run: _Run) -> None:
    _say(console, f"left for later: {run.path} is still at work")


class _Uploading:
    """Several runs on their way; one that fails does not stop the others."""

    def __init__(self, console: Console, runs: Sequence[_Run]) -> None:
        self._console = console
        self._runs = runs
        self._uploads = Uploads()
        self._telling = Lock()
        self._told = 0
        self._failed = 0

    def carry_out(self) -> int:
        """Upload the runs and return the exit code.

        An interruption lets the uploads under way end: W&B appends to what it has of a run, so half
        of one would be there twice after the next attempt. A second one stops them all the same.

        Raises: InterruptedRun.
        """
        threads = ThreadPoolExecutor(_AT_ONCE)
        try:
            for done in as_completed([threads.submit(self._upload, run) for run in self._runs]):
                done.result()
        except KeyboardInterrupt as error:
            _say(self._console, "stopping after the uploads under way; Ctrl-C: at once")
            try:
                threads.shutdown(cancel_futures=True)
            except KeyboardInterrupt:
                self._uploads.kill()
            raise InterruptedRun("interrupted", "the same command goes on", 2) from error
        finally:
            threads.shutdown(cancel_futures=True)
        return 1 if self._failed else 0

    def _upload(self, run: _Run) -> None:
        """Upload a run, and say how that ended."""
        try:
            with lock(run.path):
                # The same command elsewhere may have been faster.
                pending = [log for log in run.pending if not is_uploaded(log)]
                address = self._uploads.upload(pending)
        except LockedError:
            _leave(self._console, run)
            return
        except VaerunError as error:
            with self._telling:
                self._told += 1
                self._failed += 1
                print_error(self._console, error.message, error.hint)
            return
        with self._telling:
            self._told += 1
            _say(self._console, f"{self._told} of {len(self._runs)}  {run.path}  {address}")
            sys.stdout.write(f"{run.path}\n")  # the one line for other programs
            sys.stdout.flush()


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"
