"""Locks: one process at a time, and released when the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest
from filelock import FileLock

from runner.errors import DataError, UsageError
from runner.store import lock as lock_module
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


LOOK = """
import sys
from pathlib import Path
from runner.store.lock import is_locked
print("looking", flush=True)
while True:
    is_locked(Path(sys.argv[1]))
"""


def test_whoever_only_looks_never_keeps_another_from_working(tmp_path: Path):
    (tmp_path / ".lock").touch()
    looking = [
        subprocess.Popen([sys.executable, "-c", LOOK, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for process in looking:
            assert process.stdout is not None
            assert process.stdout.readline() == b"looking\n"
        for _ in range(2000):
            with lock(tmp_path):
                pass
    finally:
        for process in looking:
            process.kill()
            process.communicate()


def test_a_look_writes_nothing(tmp_path: Path):
    with lock(tmp_path):
        pass
    before = (tmp_path / ".lock").stat()
    tmp_path.chmod(0o500)
    try:
        assert not is_locked(tmp_path)
    finally:
        tmp_path.chmod(0o700)
    after = (tmp_path / ".lock").stat()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


def test_another_thread_is_seen_and_refused_and_this_one_is_not(tmp_path: Path):
    with lock(tmp_path), ThreadPoolExecutor(1) as other:
        assert other.submit(is_locked, tmp_path).result()
        assert not is_locked(tmp_path)
        with pytest.raises(LockedError):
            other.submit(lambda: lock(tmp_path).__enter__()).result()
    assert not is_locked(tmp_path)


def test_where_the_system_cannot_be_asked_takers_wait_for_lookers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lock_module, "_HAS_RECORD_LOCKS", False)
    assert not is_locked(tmp_path)
    with lock(tmp_path), ThreadPoolExecutor(1) as other:
        assert other.submit(is_locked, tmp_path).result()
    looker = FileLock(tmp_path / ".lock", thread_local=False)
    looker.acquire()
    ending = Timer(0.1, looker.release)
    ending.start()
    with lock(tmp_path):
        pass
    ending.join()


def test_what_stands_in_place_of_a_lock_is_named(tmp_path: Path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(DataError, match=r"\.lock' is a folder, not a file"), lock(tmp_path):
        pytest.fail("it was locked")
    assert not is_locked(tmp_path)
