"""Claims: one process at a time, and none that outlives its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.store.lock import LockedError, is_locked, lock

HOLD = """
import sys, time
from pathlib import Path
from runner.store.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that works in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_is_one_process_s(tmp_path: Path, holder: subprocess.Popen[str]):
    assert is_locked(tmp_path)
    with pytest.raises(LockedError, match="another process works in") as refused, lock(tmp_path):
        pytest.fail("two processes have it")
    assert isinstance(refused.value, UsageError)


def test_a_process_that_is_killed_loses_its_claim(tmp_path: Path, holder: subprocess.Popen[str]):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert not is_locked(tmp_path)
    with lock(tmp_path):
        pass


def test_a_claim_within_a_claim_does_nothing(tmp_path: Path):
    with lock(tmp_path):
        with lock(tmp_path / "." / "."):
            pass
        taken = subprocess.run(
            [sys.executable, "-c", HOLD, str(tmp_path)], capture_output=True, check=False
        )
        assert b"LockedError" in taken.stderr  # the inner one has not let go of it
    assert not is_locked(tmp_path)


def test_a_folder_that_nobody_has_worked_in_is_free(tmp_path: Path):
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
