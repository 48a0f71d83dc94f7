"""The logs of runs that were offline, and their way to W&B.

Each time a run is taken up it begins another log: RUN/wandb/offline-run-TIME-ID/run-ID.wandb. They
make one run on W&B, if they arrive in order. W&B leaves a mark beside a log that it has all of.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.errors import VaerunError

_TORN = "ends with an incomplete record"
"""What `wandb sync` says at the end of the log of a run that was killed."""

_HEADER = 7
"""Bytes of a log that holds nothing yet, as that of a run that is killed in its first seconds."""


def offline_logs(run: Path) -> list[Path]:
    """Return the logs of a run folder, the oldest first: their names hold the time."""
    logs = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
    return [log for log in logs if log.stat().st_size > _HEADER]


def is_uploaded(log: Path) -> bool:
    """Return whether W&B has all of a log."""
    return _mark(log).exists()


def _mark(log: Path) -> Path:
    return log.with_name(f"{log.name}.synced")


class Uploads:
    """Any number of uploads at once, each by a process of its own, which outlives a Ctrl-C."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[str]] = set()

    def upload(self, logs: Sequence[Path]) -> str:
        """Upload the logs of one run one after the other, and return its address on W&B.

        Nobody may be at work on the run: what its last log holds by now is taken for all of it.

        Raises: VaerunError where W&B does not take one; those after it are then not tried.
        """
        address = ""
        for log in logs:
            said = self._sync(log)
            if _TORN in said:  # it has sent all the others, and would send them again next time
                _mark(log).touch()
            if not is_uploaded(log):
                raise VaerunError(f"{log}: {_complaint(said)}")
            found = re.search(r"View run .* at (http\S+)", said)
            address = found[1] if found else address
        return address

    def kill(self) -> None:
        """End all uploads at once."""
        for process in list(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _sync(self, log: Path) -> str:
        """Run `wandb sync` to its end and return what it says; its exit code is 0 whatever happens.

        In a folder of its own, since it writes a diary of what it does.
        """
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [sys.executable, "-m", "wandb", "sync", str(log)],
                env={**os.environ, "WANDB_MODE": "online", "WANDB_DIR": folder},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._processes.add(process)
            said, _ = process.communicate()
            self._processes.discard(process)
        return said


def _complaint(said: str) -> str:
    """Return the first error that `wandb sync` prints, or the last of its lines."""
    lines = [line.removeprefix("wandb:").strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR").strip() for line in lines if line.startswith("ERROR")]
    return (errors or lines[-1:] or ["`wandb sync` stopped without a word"])[0]
