"""Follow runs that other processes train, by the ``status.json`` of each."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from runner.errors import VaerunError
from runner.grid.folder import SETTLED, GridFolder
from runner.grid.job import Job
from runner.grid.progress import Progress
from runner.store.json_file import read_json
from runner.store.run_schemas import Status

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_PAUSES = (1.0, 60.0)
"""The shortest and the longest time between two readings, in seconds."""

_REST = 20
"""Ratio of a pause to the time that reading took, so that thousands of runs are read rarely."""


class Follower:
    """Reports the runs of a job as they end; within its context the first signal is caught.

    A second signal has its usual effect.
    """

    def __init__(self, job: Job, progress: Progress) -> None:
        self._grid = GridFolder.open(job.path)
        self._progress = progress
        self._left = list(job.indices)
        self._stop = threading.Event()
        self._signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Follower:
        for number in _STOPS:
            handler = signal.getsignal(number)
            if handler is not None and handler != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore_handlers()

    def follow(self, working: Callable[[], bool]) -> int | None:
        """Report each run that ends, until none is left, no job is active, or a signal comes.

        ``working`` returns whether any job waits or runs. Returns the signal, or None.
        """
        while self._left:
            last = not working()  # checked before reading, so that the end of the last run is seen
            begun = time.monotonic()
            self._read_all()
            if last or not self._left:
                break
            shortest, longest = _PAUSES
            rest = _REST * (time.monotonic() - begun)
            if self._stop.wait(min(longest, max(shortest, rest))):
                break
        return self._signal

    def abandoned(self) -> list[int]:
        """Return the runs that have not ended and that no process is training."""
        return [n for n in self._left if self._grid.state(n).state not in ("running", *SETTLED)]

    def _read_all(self) -> None:
        left, running = list[int](), list[int | None]()
        for number in self._left:
            status = self._status(number)
            state = str(status.get("state"))
            if state in SETTLED:
                self._progress.ended(number, state, status.get("error"))
                continue
            left.append(number)
            if state == "running":
                running.append(number)
        self._left = left
        self._progress.refresh(running)

    def _status(self, number: int) -> dict[str, Any]:
        """Return the ``status.json`` of a run, without testing its lock, which would be slow."""
        try:
            return read_json(self._grid.run_path(number) / "status.json", Status)
        except (VaerunError, OSError):  # it is just being replaced on a network file system
            return {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        self._stop.set()
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
