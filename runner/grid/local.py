"""The launcher of this machine: worker processes side by side, replaced when they die.

Each worker is a process of its own, so that a crash, a broken GPU context or leaked memory of one
run does not affect the others.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from runner.config import LocalLauncherConfig
from runner.console.run_display import make_console
from runner.errors import InterruptedRun, VaerunError
from runner.grid.folder import GridFolder
from runner.grid.job import Job
from runner.grid.labels import LiveLabels
from runner.grid.pack_size import pack_size
from runner.grid.progress import Progress
from runner.grid.worker import AGAIN
from runner.store.lock import LockedError
from runner.store.subprocesses import safe_environment


@dataclass
class _Worker:
    """A process, the runs that it trains, and the incomplete last line of its output."""

    process: subprocess.Popen[bytes]
    runs: dict[int, None] = field(default_factory=dict[int, None])
    unread: bytes = b""

    @property
    def descriptor(self) -> int:
        if self.process.stdout is None:
            raise ValueError("the output of a worker is a pipe")
        return self.process.stdout.fileno()

    def events(self) -> Iterator[dict[str, Any]] | None:
        """Return the events since the last call, or None once the process has closed its output."""
        if not (read := os.read(self.descriptor, 2**16)):
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
    processes = min(settings.processes or fitting(device), len(job.indices))
    job = replace(job, pack=pack_of(job, settings, device))
    _WorkerPool(job, settings.threads or max(1, _cores() // processes), progress).carry_out(
        processes
    )


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

    def __init__(self, job: Job, threads: int, progress: Progress) -> None:
        self._grid = GridFolder.open(job.path)
        self._job = {**asdict(job), "path": str(job.path)}
        threading = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        self._environment = {**safe_environment(), **threading}
        self._progress = progress
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []

    def carry_out(self, processes: int) -> None:
        with self._forwarded_signals():
            for _ in range(processes):
                self._hire()
            while workers := list(self._selector.get_map().values()):
                for key, _ in self._selector.select(timeout=0.2):
                    self._listen(key.data)
                self._progress.refresh([run for key in workers for run in key.data.runs])
        if self._signals:
            hint = f"go on with: vaerun resume {self._grid.path}"
            raise InterruptedRun("interrupted, after checkpoints", hint, self._signals[0])

    def _hire(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.grid"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # a Ctrl-C reaches this process only, which forwards it once
        )
        worker = _Worker(process)
        self._selector.register(worker.descriptor, selectors.EVENT_READ, worker)
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(json.dumps(self._job).encode())

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
        self._selector.unregister(worker.descriptor)
        with worker.process as process:  # closes its pipe
            code = process.wait()
        if self._signals or code == 0:
            return
        if code == AGAIN:
            self._hire()
        elif not worker.runs:
            raise VaerunError(f"a worker cannot start: it ended with exit code {code}")
        else:
            self._lose(list(worker.runs), code)
            self._hire()

    def _lose(self, runs: list[int], code: int) -> None:
        """Mark the run that killed its worker as failed, so that no other worker tries it again.

        Where it is not known which run it was, each goes on alone in the workers that follow.
        """
        what = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        what += " (out of memory?)" if code == -9 else ""
        if len(runs) > 1:
            numbers = ", ".join(map(str, runs))
            self._progress.note(f"the process of runs {numbers} {what}: each goes on alone")
            self._job["pack"] = 1
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
        for key in self._selector.get_map().values():
            with suppress(ProcessLookupError):
                key.data.process.send_signal(signal.SIGINT)

    def _abandon(self) -> None:
        """Stop the workers after an error in this process."""
        deadline = time.monotonic() + 10
        for key in list(self._selector.get_map().values()):
            key.data.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                key.data.process.wait(timeout=max(0.1, deadline - time.monotonic()))
