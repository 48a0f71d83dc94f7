"""Locks on folders, so that at most one process at a time works in each.

The lock is an operating-system lock on a hidden file. It is released when its process ends in any
way, so there are no stale locks to clean up. Across machines it needs a file system that shares
locks between them (NFS 4, Lustre with ``flock``, most parallel file systems).

Whether a folder is locked is found out without locking it. A process that locks one sets a record
lock on the file beside the lock itself, and the system says who has a record lock without giving
one (``F_OFD_GETLK``). On NFS the lock is a record lock already, and the other one is refused.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from runner.errors import UsageError
from runner.store.confined import file_place

if sys.platform == "linux":
    import fcntl

_HAS_RECORD_LOCKS = sys.platform == "linux"

_FLOCK = "hhqqi"
"""Layout of ``struct flock``: kind, where it starts from, first byte, length, process."""

_LOOK_SECONDS = 1.0
"""How long a look without record locks, which locks for a moment, may keep others waiting."""

_held: set[tuple[int, Path]] = set()
"""Pairs of a thread of this process and a folder that it has locked."""


class LockedError(UsageError):
    """Another process or thread works in the folder."""

    def __init__(self, folder: Path) -> None:
        hint = "its status.json says which, and on which machine"
        super().__init__(f"another process works in '{folder}'", hint)


@contextmanager
def lock(folder: Path, *, seconds: float = 0.0) -> Generator[None]:
    """Lock a folder; does nothing within a lock of the same folder by the same thread.

    Args:
        folder: the folder, which exists.
        seconds: how long to wait for a lock that another process or thread holds.

    Raises:
        LockedError: the folder is still locked after that time.
        UsageError: ``.lock`` is a link out of the folder, or nothing can be written to it.
        DataError: ``.lock`` is no regular file.
    """
    key = _key(folder)
    if key in _held:
        yield
        return
    file = file_place(folder / ".lock", folder)
    lock = FileLock(file, timeout=seconds)
    _acquire(lock, folder)
    try:
        with _marked(file):
            _held.add(key)
            yield
    finally:
        _held.discard(key)
        lock.release()


def is_locked(folder: Path) -> bool:
    """Return whether another process or thread works in a folder; nothing is locked or written."""
    if _key(folder) in _held:
        return False
    file = folder / ".lock"
    if not _HAS_RECORD_LOCKS:
        return file.is_file() and _refuses(file)
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # no process has locked it yet
        return False
    try:
        found = fcntl.fcntl(
            descriptor, fcntl.F_OFD_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
        )
    except OSError:  # a file system without record locks
        return _refuses(file)
    finally:
        os.close(descriptor)
    return struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK


def _key(folder: Path) -> tuple[int, Path]:
    return threading.get_ident(), folder.resolve()


def _acquire(lock: FileLock, folder: Path) -> None:
    try:
        lock.acquire()
    except Timeout as error:
        if _HAS_RECORD_LOCKS and is_locked(folder):
            raise LockedError(folder) from error
        # Whoever has it only looks, or is about to set the record lock.
        try:
            lock.acquire(timeout=_LOOK_SECONDS)
        except Timeout:
            raise LockedError(folder) from error
    except OSError as error:
        raise UsageError(f"cannot write to '{folder}': {error.strerror}") from error


@contextmanager
def _marked(file: Path) -> Generator[None]:
    """Set a record lock on a locked file, for :func:`is_locked` to see."""
    if not _HAS_RECORD_LOCKS:
        yield
        return
    descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    try:
        with suppress(OSError):  # refused by NFS, where everybody sees the lock itself
            fcntl.fcntl(
                descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
            )
        yield
    finally:
        os.close(descriptor)


def _refuses(file: Path) -> bool:
    """Return whether a file cannot be locked, which locks it for a moment."""
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False
