"""Locks: one process at a time, and released when the process ends."""

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


def test_a_locked_folder_belongs_to_one_process(tmp_path: Path, holder: subprocess.Popen[str]):
    assert is_locked(tmp_path)
    with pytest.raises(LockedError, match="another process works in") as refused, lock(tmp_path):
        pytest.fail("two processes have it")
    assert isinstance(refused.value, UsageError)


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path, holder: subprocess.Popen[str]):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert not is_locked(tmp_path)
    with lock(tmp_path):
        pass


def test_a_lock_within_a_lock_does_nothing(tmp_path: Path):
    with lock(tmp_path):
        with lock(tmp_path / "." / "."):
            pass
        taken = subprocess.run(
            [sys.executable, "-c", HOLD, str(tmp_path)], capture_output=True, check=False
        )
        assert b"LockedError" in taken.stderr  # leaving the inner block has not released it
    assert not is_locked(tmp_path)


def test_a_new_folder_is_not_locked(tmp_path: Path):
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
