"""Standard streams that nobody reads: a closed terminal, a full disk, `vaerun … | head -1`.

Messages are for whoever is there to read them. A run of hours does not fail for a line that cannot
be printed.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

_NOBODY = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO)
"""Errors after which nobody will ever read: the reader of a pipe, or the terminal, is gone."""


class Unfailing(io.RawIOBase):
    """Writes to a file descriptor, and drops what cannot be written.

    Once nobody reads, the descriptor leads to the null device, so that nothing fails that writes to
    it from elsewhere: a library in C, a process that inherits it.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.lost: OSError | None = None
        """Why something could not be written although somebody reads: a disk that is full."""

    def write(self, data: object, /) -> int:
        """Write bytes, and return how many were written or dropped."""
        content = memoryview(data).cast("B")  # pyright: ignore[reportArgumentType] - any buffer
        try:
            return os.write(self._descriptor, content)
        except BlockingIOError:  # a pipe that is set not to wait, and is full
            return self._patiently(content)
        except OSError as error:
            if error.errno in _NOBODY:
                _redirect(self._descriptor)
            else:
                self.lost = self.lost or error
            return len(content)

    def _patiently(self, content: memoryview) -> int:
        with suppress(OSError):
            os.set_blocking(self._descriptor, True)
            return os.write(self._descriptor, content)
        return len(content)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._descriptor)


def make_unfailing() -> None:
    """Let this process's standard output and standard error never raise an error.

    Streams that are none of the system's, such as those of a notebook, stay as they are.
    """
    if os.name != "posix":
        return
    _open_closed()
    if sys.stdout is None or sys.stdout is sys.__stdout__:  # None if it is closed
        sys.stdout = _unfailing(sys.stdout, 1)
    if sys.stderr is None or sys.stderr is sys.__stderr__:  # None if it is closed
        sys.stderr = _unfailing(sys.stderr, 2)


def lost_output() -> OSError | None:
    """Return why standard output is incomplete although somebody reads it, or None."""
    with suppress(ValueError):
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Unfailing) else None


def _open_closed() -> None:
    """Open the null device where a standard stream is closed.

    Otherwise the next file that is opened becomes the standard stream of that number, and receives
    what libraries and other processes print.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - takes no keyword


def _unfailing(stream: TextIO | None, descriptor: int) -> TextIO:
    """Return a stream like the one given that drops what it cannot write."""
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.flush()
        with suppress(OSError, ValueError):
            descriptor = stream.fileno()
    return io.TextIOWrapper(
        io.BufferedWriter(Unfailing(descriptor)),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=getattr(stream, "errors", None) or "backslashreplace",
        line_buffering=descriptor == 2 or os.isatty(descriptor),
    )


def _redirect(descriptor: int) -> None:
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)
