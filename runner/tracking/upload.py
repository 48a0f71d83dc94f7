"""Upload of runs that were logged offline.

A run begins a log, ``RUN/wandb/offline-run-TIME-ID/run-ID.wandb``, whenever it is started or
resumed. Uploaded in order, its logs make one run on W&B. `wandb sync` leaves a mark beside a log
that is complete on the server.
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
from runner.store.confined import file_place
from runner.store.signature import is_own, sign
from runner.store.subprocesses import safe_environment

_TORN = "ends with an incomplete record"
"""In the output of `wandb sync` for the log of a run that was killed."""

_HEADER = 7
"""Size in bytes of a log without any record, such as that of a run killed in its first seconds."""


def offline_logs(run: Path) -> list[Path]:
    """Return the logs of a run folder, the oldest first, by the times in their names.

    Raises: UsageError for one behind a link out of the folder; DataError for one that is no file.
    """
    logs = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
    return [log for log in logs if file_place(log, run).stat().st_size > _HEADER]


def sign_log(log: Path) -> None:
    """Sign a log as this user's, when it is begun."""
    sign(log, _name(log))


def is_own_log(log: Path) -> bool:
    """Return whether this user began a log.

    A log says where it is uploaded to, and which files with it: that of a stranger is not safe.
    """
    return is_own(log, _name(log))


def _name(log: Path) -> bytes:
    """Return what is signed of a log, which is written to as long as its run goes on."""
    return log.parent.name.encode()


def is_uploaded(log: Path) -> bool:
    """Return whether all of a log is on the server."""
    return _mark(log).exists()


def _mark(log: Path) -> Path:
    return log.with_name(f"{log.name}.synced")


class Uploads:
    """Uploads that run in parallel, each in a process of its own that Ctrl-C does not reach."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[str]] = set()

    def upload(self, logs: Sequence[Path]) -> str:
        """Upload the logs of one run in order, and return its address on W&B.

        The run must not be in progress: its last log is assumed to be complete.

        Raises: VaerunError where the upload of a log fails; those after it are then not tried.
        """
        address = ""
        for log in logs:
            output = self._sync(log)
            if _TORN in output:  # all complete records are sent, and would be sent again next time
                _mark(log).touch()
            if not is_uploaded(log):
                raise VaerunError(f"{log}: {_error_of(output)}")
            found = re.search(r"View run .* at (http\S+)", output)
            address = found[1] if found else address
        return address

    def kill(self) -> None:
        """End all uploads at once."""
        for process in list(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _sync(self, log: Path) -> str:
        """Run `wandb sync` and return its output; its exit code is 0 even where it fails.

        It runs in a temporary folder, into which it writes its debug logs.
        """
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "wandb", "sync", str(log.absolute())],
                env={**safe_environment(), "WANDB_MODE": "online", "WANDB_DIR": folder},
                cwd=folder,  # in which no settings of wandb lie
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._processes.add(process)
            output, _ = process.communicate()
            self._processes.discard(process)
        return output


def _error_of(output: str) -> str:
    """Return the first error that `wandb sync` prints, or its last line."""
    lines = [line.removeprefix("wandb:").strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR").strip() for line in lines if line.startswith("ERROR")]
    return (errors or lines[-1:] or ["`wandb sync` stopped without a message"])[0]
