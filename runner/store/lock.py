"""Locks on folders, so that at most one process at a time works in each.

The lock is an operating-system lock on a hidden file. It is released when its process ends in any
way, so there are no stale locks to clean up. Across machines it needs a file system that shares
locks between them (NFS 4, Lustre with ``flock``, most parallel file systems).
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from runner.errors import UsageError
from runner.store.confined import file_place

_held: set[tuple[int, Path]] = set()
"""Pairs of a thread of this process and a folder that it has locked."""


class LockedError(UsageError):
    """Another process or thread works in the folder."""


@contextmanager
def lock(folder: Path, *, seconds: float = 0.0) -> Generator[None]:
    """Lock a folder; does nothing within a lock of the same folder by the same thread.

    Args:
        folder: the folder, which exists.
        seconds: how long to wait for a lock that another process or thread holds.

    Raises:
        LockedError: the folder is still locked after that time.
        UsageError: ``.lock`` is a link out of the folder.
        DataError: ``.lock`` is no regular file.
    """
    key = (threading.get_ident(), folder.resolve())
    if key in _held:
        yield
        return
    lock = FileLock(file_place(folder / ".lock", folder), timeout=seconds)
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
    """Return whether another process or thread works in a folder."""
    if not (folder / ".lock").exists():
        return False
    try:
        with lock(folder):
            return False
    except LockedError:
        return True
