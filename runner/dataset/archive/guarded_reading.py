"""Errors of damaged or unexpected files, as one line for the user."""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.errors import DataError

DAMAGE = (
    OSError, EOFError, ValueError, zlib.error, struct.error, tarfile.TarError,
    zipfile.BadZipFile, RuntimeError,  # the last of encrypted or unknown members of a zip archive
)  # fmt: skip
"""The exceptions that the usual readers raise for bytes that they cannot read."""


@contextmanager
def reading(path: Path, damage: tuple[type[Exception], ...] = DAMAGE) -> Generator[None]:
    """Turn the exceptions of a reader of ``path`` into one line.

    Raises: DataError when the file is missing, or when an exception of ``damage`` is raised inside.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"'{path}' is missing") from error
    except damage as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"'{path}' is truncated or corrupt: {reason}") from error


def no_array(name: str, path: Path, found: Iterable[str]) -> DataError:
    """Return the error of a file that lacks an array, with the names that it has."""
    others = ", ".join(found) or "nothing"
    return DataError(f"'{path}' should have an array '{name}', and has {others}")


def check_shape(what: str, path: Path, found: Sequence[int], expected: Sequence[int]) -> None:
    """Check that a part of a file has the published shape.

    Raises: DataError where it has not.
    """
    if tuple(found) != tuple(expected):
        raise DataError(
            f"{what} of '{path}' should have the shape {tuple(expected)}, not {tuple(found)}"
        )
