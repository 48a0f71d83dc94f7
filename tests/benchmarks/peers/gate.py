"""In a child process: every step of a training loop passes here, and waits where it is told to.

A loop calls :meth:`Gate.step` at the end of each step, from a callback where it is a peer's own.
The gate lets as many steps pass as the parent has asked for, answers with the time that they took,
and then waits for the next request. So the loop runs as its authors wrote it, and several processes
can take turns. A request is a number of steps on a line of standard input, an answer a line of JSON
on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def resident() -> tuple[float, float]:
    """Return the resident memory of this process now, and at its peak, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {key: value for key, _, value in (line.partition(":") for line in lines)}
    now, peak = (int(sizes[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return now, peak


class Gate:
    """Lets the steps of a loop pass when the parent asks for them."""

    def __init__(self, device: str) -> None:
        self._on_gpu = device.startswith("cuda")
        self._answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)  # what a peer prints goes to its log
        self._left = self._asked = 3  # the first steps allocate and compile
        self._facts: dict[str, Any] = {}
        self._begin()

    def loaded(self, parameters: int, note: str | None = None) -> None:
        """Say that data and model are there, and how many parameters are trained."""
        with suppress(OSError):  # the peak is that of the loop, not of loading
            Path("/proc/self/clear_refs").write_text("5")
        self._facts = {"parameters": parameters, "loaded_mib": resident()[0], "note": note}
        self._begin()

    def step(self) -> None:
        """Let a step pass, or wait for the next request."""
        self._left -= 1
        if self._left:
            return
        self._wait_for_device()
        used = {"cpu": time.process_time() - self._cpu, "wall": time.perf_counter() - self._wall}
        memory = {"peak_mib": self._peak()}
        self._answer({"steps": self._asked, **used, **memory, **self._facts})
        request = sys.stdin.readline()
        if not request.strip():
            os._exit(0)
        self._left = self._asked = int(request)
        self._begin()

    def refuse(self, reason: str) -> None:
        """Say that this candidate does not exist here, and end the process."""
        self._answer({"refused": reason})
        os._exit(0)

    def _wait_for_device(self) -> None:
        if self._on_gpu:
            import torch

            torch.cuda.synchronize()

    def _peak(self) -> float:
        """Return the memory at the peak, MiB: on a GPU what PyTorch has allocated there."""
        if not self._on_gpu:
            return resident()[1]
        import torch

        return torch.cuda.max_memory_allocated() / 2**20

    def _begin(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def _answer(self, values: dict[str, Any]) -> None:
        self._answers.write(json.dumps(values) + "\n")
