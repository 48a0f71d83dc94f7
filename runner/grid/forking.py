"""Workers forked from one process, which has imported everything and holds the data.

A worker then costs neither the seconds nor the memory of importing torch: it shares both, copied
only where it writes. Where a worker is to use a GPU, or the process cannot be forked, workers are
processes from scratch (:mod:`runner.grid.processes`).

The process is :mod:`runner.grid.fork_server`. Messages are JSON, each a packet of a socket:
``{"device", "forks"}`` once it is ready; ``{"threads", "changes"}`` with the descriptor of a pipe
asks for a worker, ``{"pid"}`` answers, and ``{"pid", "code"}`` says how one has ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from runner.grid.processes import THREADS, Process, Spawner
from runner.store.subprocesses import safe_environment

CAN_FORK = sys.platform == "linux" and hasattr(socket, "send_fds")
"""Elsewhere a process that has loaded the libraries of the system must not be forked."""

_MOST_BYTES = 2**16


class ServerGoneError(Exception):
    """The process that forks workers has ended."""


class ForkServer:
    """The process that forks workers, as a child of this one."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        """Start it with a job; it takes seconds until it is ready."""
        self._socket, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "runner.grid.fork_server", str(there.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                # One thread each: no pool of threads may be alive when it forks.
                env=safe_environment() | dict.fromkeys(THREADS, "1"),
                pass_fds=[there.fileno()],
                start_new_session=True,
            )
        if self._process.stdin is not None:
            with suppress(BrokenPipeError), self._process.stdin as pipe:
                pipe.write(json.dumps(job).encode())
        self._codes: dict[int, int] = {}
        self.is_ready = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready(self) -> dict[str, Any]:
        """Wait until it is ready, and return on which ``device`` runs train, and if it ``forks``.

        Raises: ServerGoneError.
        """
        answer = self._receive()
        self.is_ready = True
        return answer

    def start(self, threads: int, changes: Mapping[str, Any]) -> Process:
        """Fork a worker for the job with these changes.

        Raises: ServerGoneError.
        """
        request = json.dumps({"threads": threads, "changes": changes}).encode()
        events, theirs = os.pipe()
        try:
            socket.send_fds(self._socket, [request], [theirs])
            while "code" in (answer := self._receive()):
                self._codes[answer["pid"]] = answer["code"]
        except (OSError, ServerGoneError) as error:
            os.close(events)
            raise ServerGoneError from error
        finally:
            os.close(theirs)
        return _Forked(self, answer["pid"], events)

    def code(self, pid: int, seconds: float | None = None) -> int | None:
        """Wait for the end of a worker, and return its exit code; None where it is not known."""
        self._socket.settimeout(seconds)
        try:
            while pid not in self._codes:
                answer = self._receive()
                self._codes[answer["pid"]] = answer["code"]
        except (ServerGoneError, TimeoutError):
            return None
        finally:
            self._socket.settimeout(None)
        return self._codes.pop(pid)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """Let it end; its workers go on."""
        self._socket.close()
        if not self.is_ready:  # it is still importing
            self._process.kill()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # somebody has stopped it
            self._process.kill()
            self._process.wait()

    def _receive(self) -> dict[str, Any]:
        try:
            message = self._socket.recv(_MOST_BYTES)
        except TimeoutError:  # which is an OSError, too
            raise
        except OSError as error:
            raise ServerGoneError from error
        if not message:
            raise ServerGoneError
        return json.loads(message)


class _Forked:
    """A worker that is a child of the fork server."""

    def __init__(self, server: ForkServer, pid: int, events: int) -> None:
        self._server, self._pid = server, pid
        self.events = events

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def wait(self) -> int | None:
        os.close(self.events)
        return self._server.code(self._pid)

    def stop(self, seconds: float) -> None:
        self.send_signal(signal.SIGTERM)
        self._server.code(self._pid, seconds)


class Forker:
    """Starts workers by a fork server, which is replaced if it was killed."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        """Start the server of a job."""
        self._job = job
        self._server = ForkServer(job)
        self._is_over = False
        self.threads = 1
        """Threads of each worker."""
        self.changes: dict[str, Any] = {}

    def ready(self) -> dict[str, Any]:
        """Return as :meth:`ForkServer.ready`.

        Raises: ServerGoneError; InterruptedError after :meth:`hurry`.
        """
        try:
            return self._server.ready()
        except ServerGoneError:
            if self._is_over:
                raise InterruptedError from None
            raise

    def start(self) -> Process:
        """Fork a worker; where even a new server cannot, start one from scratch.

        Raises: InterruptedError after :meth:`hurry`.
        """
        try:
            return self._server.start(self.threads, self.changes)
        except ServerGoneError:
            self._server.close()
        try:
            if self._is_over:
                raise InterruptedError
            self._server = ForkServer(self._job)
            if self.ready()["forks"]:
                return self._server.start(self.threads, self.changes)
        except ServerGoneError:
            pass
        return Spawner({**self._job, **self.changes}, self.threads).start()

    def hurry(self) -> None:
        """Stop waiting for a server that is not ready."""
        self._is_over = True
        if not self._server.is_ready:
            self._server.kill()

    def close(self) -> None:
        """Let the server end."""
        self._server.close()
