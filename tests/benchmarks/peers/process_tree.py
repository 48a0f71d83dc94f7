"""Runs a command and measures all of its processes together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.2
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Usage:
    """What a command used: CPU and wall-clock seconds, and memory at its peak in MiB.

    ``peak_mib`` is the proportional memory of all processes at the same time (a page that n of them
    share counts 1/n in each), looked at five times a second; ``largest_mib`` the peak of the
    resident memory of the largest one.
    """

    cpu: float
    wall: float
    peak_mib: float
    largest_mib: float


class CommandFailedError(Exception):
    """A command ended with an exit code other than zero."""


def run(command: list[str], variables: dict[str, str], folder: Path, log: Path) -> Usage:
    """Run a command in a folder, with its output in ``log``, and return what it used.

    CPU seconds are of the command and of all processes that it waited for.

    Raises: CommandFailedError.
    """
    begun = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    memory = _Memory(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = memory.end()
    if process.returncode:
        last = (log.read_text(errors="replace").strip() or "no output").splitlines()[-1]
        raise CommandFailedError(f"exit code {process.returncode}: {last} (see {log})")
    cpu = usage.ru_utime + usage.ru_stime
    return Usage(cpu, wall, peak, usage.ru_maxrss / 1024)


class _Memory(threading.Thread):
    """Looks at the memory of a process and of all its descendants until it is told to end."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root, self._peak, self._over = root, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(_EVERY):
            self._peak = max(self._peak, sum(map(_proportional, self._processes())))

    def end(self) -> float:
        """Return the peak in MiB."""
        self._over.set()
        self.join()
        return self._peak

    def _processes(self) -> list[Path]:
        parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
        found, new = {self._root}, {self._root}
        while new:
            new = {pid for pid, parent in parents.items() if parent in new} - found
            found |= new
        return [Path("/proc") / str(pid) for pid in found]


def _parent(process: Path) -> int | None:
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return None
    return int(after_name[1])


def _proportional(process: Path) -> float:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
