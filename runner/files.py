"""Opening files that may be anything: only regular files are read.

A named pipe would be waited for without end, and reading a device may change it. So neither is
opened: what stands in the place of a file is looked at first, and again once it is open.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from runner.errors import DataError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""A pipe that takes the place of a file just before it is opened is not waited for, either."""


def open_regular(path: Path, flags: int = _READING, *, shown: Path | None = None) -> int:
    """Open a regular file and return its descriptor.

    Args:
        path: the file; a link to one is followed, unless ``flags`` say otherwise.
        flags: as for ``os.open``; by default the file is opened for reading.
        shown: how messages name the file, if not by ``path``.

    Raises:
        DataError: it is a folder, a named pipe, a device or a socket.
        OSError: it is missing, or cannot be opened.
    """
    named = shown or path
    refuse_others(path, named)
    descriptor = os.open(path, flags, 0o666)
    try:
        _refuse(os.fstat(descriptor), named)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def refuse_others(path: Path, named: Path) -> None:
    """Refuse what is not a regular file; messages call it ``named``. Nothing at all is no error.

    Raises: DataError when it is a folder, a named pipe, a device or a socket.
    """
    with suppress(FileNotFoundError):
        _refuse(path.stat(), named)


def open_to_read(path: Path) -> BufferedReader:
    """Open a regular file for reading, in bytes.

    Raises: DataError and OSError as :func:`open_regular`.
    """
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes.

    Raises: DataError when it is larger; DataError and OSError as :func:`open_regular`.
    """
    with open_to_read(path) as file:
        return read_whole(file, most, path)


def read_whole(file: BinaryIO, most: int, path: Path) -> bytes:
    """Return the content of an open file, which messages name ``path``.

    Raises: DataError when it has more than ``most`` bytes.
    """
    if os.fstat(file.fileno()).st_size > most:
        raise DataError(f"'{path}' is too large: it has more than {_size(most)}")
    return file.read(most)


def _refuse(found: os.stat_result, named: Path) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise DataError(f"'{named}' is {kind}, not a file")


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >> 20 else f"{count} bytes"
