"""The launcher of this machine: worker processes side by side, replaced when they die.

Each worker is a process of its own, so that a crash, a broken GPU context or leaked memory of one
run does not affect the others. On a CPU they are forked from one process
(:mod:`runner.grid.forking`).
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from runner.config import LocalLauncherConfig
from runner.console.run_display import make_console
from runner.errors import InterruptedRun, VaerunError
from runner.grid.folder import GridFolder
from runner.grid.forking import CAN_FORK, Forker, ServerGoneError
from runner.grid.job import Job
from runner.grid.labels import LiveLabels
from runner.grid.pack_size import pack_size
from runner.grid.processes import Process, Spawner, Starter
from runner.grid.progress import Progress
from runner.grid.worker import AGAIN
from runner.store.lock import LockedError


@dataclass
class _Worker:
    """A process, the runs that it trains, and the incomplete last line of its output."""

    process: Process
    runs: dict[int, None] = field(default_factory=dict[int, None])
    unread: bytes = b""

    def events(self) -> Iterator[dict[str, Any]] | None:
        """Return the events since the last call, or None once the process has closed its output."""
        if not (read := os.read(self.process.events, 2**16)):
            return None
        *lines, self.unread = (self.unread + read).split(b"\n")
        return (json.loads(line) for line in lines)


def launch(job: Job, settings: LocalLauncherConfig, device: str, progress: Progress) -> None:
    """Train the runs of a job on this machine, and return when no run is left to train.

    ``device`` is the setting of the runs.

    Raises:
        InterruptedRun: after a signal; every run in progress has written a checkpoint.
        VaerunError: the workers cannot start.
    """
    _WorkerPool(job, progress).carry_out(settings, device)


def launch_in_job(job: Job, processes: int, cpus: int) -> None:
    """Train the runs of a job within a job of a cluster that has ``cpus`` cores.

    Raises: as :func:`launch`.
    """
    names = LiveLabels(job.path)
    settings = LocalLauncherConfig("local", processes, max(1, cpus // processes), job.pack)
    with Progress(make_console(), names, len(job.indices)) as progress:
        launch(job, settings, "auto", progress)


def _cores() -> int:
    import joblib

    return joblib.cpu_count()  # heeds CPU affinity and the limits of containers


def fitting(device: str) -> int:
    """Return the number of processes by default: one per core, or one where runs share a GPU."""
    return _cores() if _kind_of(device) == "cpu" else 1


def pack_of(job: Job, settings: LocalLauncherConfig, device: str) -> int:
    """Return the most runs that a worker trains together."""
    workers = min(settings.processes or fitting(device), len(job.indices))
    on_gpu = settings.pack is None and _kind_of(device) == "cuda"
    return pack_size(settings.pack, job, workers, on_gpu=on_gpu)


def _kind_of(device: str) -> str:
    """Return the kind of a device, of ``auto`` that of the first there is."""
    if device == "auto":
        from runner.training import choose_device

        device = choose_device(device).type
    return device.partition(":")[0]


class _WorkerPool:
    """The workers of one launch."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._grid = GridFolder.open(job.path)
        self._job = job
        self._progress = progress
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._starter: Starter | None = None

    def carry_out(self, settings: LocalLauncherConfig, device: str) -> None:
        with self._forwarded_signals(), suppress(InterruptedError):
            processes = self._prepare(settings, device)
            for _ in range(processes):
                self._hire()
            while workers := list(self._selector.get_map().values()):
                for key, _ in self._selector.select(timeout=0.2):
                    self._listen(key.data)
                self._progress.refresh([run for key in workers for run in key.data.runs])
        if self._signals:
            hint = f"go on with: vaerun resume {self._grid.path}"
            raise InterruptedRun("interrupted, after checkpoints", hint, self._signals[0])

    def _prepare(self, settings: LocalLauncherConfig, device: str) -> int:
        """Choose what starts the workers, and return how many there are to be.

        Raises: InterruptedError after a signal.
        """
        job = {**asdict(self._job), "path": str(self._job.path), "device": device}
        forker, device = self._forker(job, device)
        processes = min(settings.processes or fitting(device), len(self._job.indices))
        threads = settings.threads or max(1, _cores() // processes)
        if forker is None:
            self._starter = starter = Spawner(job, threads)
        else:
            starter, forker.threads = forker, threads
        starter.changes["pack"] = pack_of(self._job, settings, device)
        return processes

    def _forker(self, job: dict[str, Any], device: str) -> tuple[Forker | None, str]:
        """Return a process that forks workers, if they are to be forked, and the device of runs."""
        if not CAN_FORK or device not in ("auto", "cpu"):
            return None, device
        self._starter = forker = Forker(job)
        try:
            answer = forker.ready()
        except ServerGoneError:
            forker.close()
            return None, device
        if answer["forks"]:
            return forker, answer["device"]
        forker.close()
        return None, answer["device"]

    def _hire(self) -> None:
        if self._starter is None or self._signals:
            return
        process = self._starter.start()
        self._selector.register(process.events, selectors.EVENT_READ, _Worker(process))
        if self._signals:  # which came before this worker was known
            process.send_signal(signal.SIGINT)

    def _listen(self, worker: _Worker) -> None:
        """Process the events of a worker, or its end."""
        if (events := worker.events()) is None:
            self._dismiss(worker)
            return
        for event in events:
            if "begin" in event:
                worker.runs[event["begin"]] = None
            elif "end" in event:
                worker.runs.pop(event["end"], None)
                self._progress.ended(event["end"], event["state"], event["error"])
            else:
                self._progress.note(event["note"])

    def _dismiss(self, worker: _Worker) -> None:
        self._selector.unregister(worker.process.events)
        code = worker.process.wait()
        if self._signals or code == 0:
            return
        if code is None and not worker.runs:
            if not all(self._grid.state(number).settled for number in self._job.indices):
                self._hire()
        elif code == AGAIN:
            self._hire()
        elif not worker.runs:
            raise VaerunError(f"a worker cannot start: it ended with exit code {code}")
        else:
            self._lose(list(worker.runs), code)
            self._hire()

    def _lose(self, runs: list[int], code: int | None) -> None:
        """Mark the run that killed its worker as failed, so that no other worker tries it again.

        Where it is not known which run it was, each goes on alone in the workers that follow.
        """
        what = "ended" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            killed = " (out of memory?)" if code == -signal.SIGKILL else ""
            what = f"ended by signal {-code}{killed}"
        if len(runs) > 1:
            numbers = ", ".join(map(str, runs))
            self._progress.note(f"the process of runs {numbers} {what}: each goes on alone")
            if self._starter is not None:
                self._starter.changes["pack"] = 1
            return
        run, error = runs[0], f"its process {what}"
        with suppress(LockedError):  # another worker trains it already
            self._grid.mark(run, "failed", error)
            self._progress.ended(run, "failed", error)

    @contextmanager
    def _forwarded_signals(self) -> Generator[None]:
        """Forward each signal that should stop this process to the workers, as one Ctrl-C."""
        stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in stops}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._forward)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._abandon()

    def _forward(self, number: int, _frame: object) -> None:
        self._signals.append(number)
        if len(self._signals) == 1:
            self._progress.note("stopping: each run finishes its step; once more to stop at once")
        if self._starter is not None:
            self._starter.hurry()
        for key in self._selector.get_map().values():
            key.data.process.send_signal(signal.SIGINT)

    def _abandon(self) -> None:
        """Stop the workers after an error in this process."""
        deadline = time.monotonic() + 10
        for key in list(self._selector.get_map().values()):
            key.data.process.stop(max(0.1, deadline - time.monotonic()))
        if self._starter is not None:
            self._starter.close()
