"""Workers as processes of their own, each from scratch: wherever workers cannot be forked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from runner.store.subprocesses import safe_environment

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables that say to libraries, as they are loaded, how many threads they may use."""


class Process(Protocol):
    """A worker as the process that started it sees it."""

    @property
    def events(self) -> int:
        """The descriptor of a pipe with its events as JSON lines; it ends with the worker."""
        ...

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if the worker has ended."""
        ...

    def wait(self) -> int | None:
        """Close the pipe of a worker that ends, wait for it, and return its exit code.

        Negative: the signal that ended it. None: it is not known.
        """
        ...

    def stop(self, seconds: float) -> None:
        """Terminate a worker, and wait up to so long until it has ended."""
        ...


class Starter(Protocol):
    """What starts workers."""

    changes: dict[str, Any]
    """Entries of the job that are others for the workers that are started from now on."""

    def start(self) -> Process:
        """Start a worker.

        Raises: VaerunError when none can be started.
        """
        ...

    def hurry(self) -> None:
        """Give up what takes long, after a signal: :meth:`start` may raise InterruptedError."""
        ...

    def close(self) -> None:
        """Free what the starter itself holds; workers go on."""
        ...


class Spawner:
    """Starts workers that import everything for themselves."""

    def __init__(self, job: Mapping[str, Any], threads: int) -> None:
        """``job`` is what each worker reads from its standard input, as JSON."""
        self._job = job
        self.changes: dict[str, Any] = {}
        self._environment = safe_environment() | dict.fromkeys(THREADS[:2], str(threads))

    def start(self) -> Process:
        """Start a worker."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.grid"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # a Ctrl-C reaches the parent only, which forwards it once
        )
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(json.dumps({**self._job, **self.changes}).encode())
        return _Spawned(process)

    def hurry(self) -> None:
        """Do nothing: to start a process takes no time."""

    def close(self) -> None:
        """Do nothing."""


class _Spawned:
    """A worker that is a child of this process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def events(self) -> int:
        if self._process.stdout is None:
            raise ValueError("the output of a worker is a pipe")
        return self._process.stdout.fileno()

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self) -> int:
        with self._process as process:  # closes its pipe
            return process.wait()

    def stop(self, seconds: float) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
