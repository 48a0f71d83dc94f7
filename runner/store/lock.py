"""Who works in a folder: at most one process at a time, whatever becomes of it.

The claim is a lock of the operating system on a hidden file. A process that is killed, or whose
machine goes down, loses it: there are no stale claims to clean up. Across machines it needs a file
system whose locks reach all of them (NFS 4, Lustre with ``flock``, most parallel file systems).
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from runner.errors import UsageError

_held: set[tuple[int, Path]] = set()
"""Threads of this process, and the folders that they have claimed."""


class LockedError(UsageError):
    """Another process works in the folder."""


@contextmanager
def lock(folder: Path, *, seconds: float = 0.0) -> Generator[None]:
    """Keep others out of a folder; within a claim of the same thread it does nothing.

    Raises: ClaimedError when another process has it and keeps it for so many seconds.
    """
    key = (threading.get_ident(), folder.resolve())
    if key in _held:
        yield
        return
    lock = FileLock(folder / ".lock", timeout=seconds)
    try:
        lock.acquire()
    except Timeout as error:
        hint = "its status.json says which, and on which machine"
        raise LockedError(f"another process works in '{folder}'", hint) from error
    _held.add(key)
    try:
        yield
    finally:
        _held.discard(key)
        lock.release()


def is_locked(folder: Path) -> bool:
    """Return whether someone else works in a folder."""
    if not (folder / ".lock").exists():
        return False
    try:
        with lock(folder):
            return False
    except LockedError:
        return True
