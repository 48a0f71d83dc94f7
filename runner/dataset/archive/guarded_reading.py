"""What can be wrong with a published file, as one line for the user."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.errors import DataError

_DAMAGE = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, tarfile.TarError)
"""What the usual readers raise over bytes that they cannot read."""


@contextmanager
def reading(path: Path, damage: tuple[type[Exception], ...] = _DAMAGE) -> Generator[None]:
    """Let what readers of ``path`` raise come out as one line.

    Raises: DataError when the file is missing, or when one of ``damage`` is raised.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"'{path}' is missing") from error
    except damage as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"'{path}' is truncated or corrupt: {reason}") from error


def check_shape(what: str, path: Path, found: Sequence[int], expected: Sequence[int]) -> None:
    """Do nothing where a part of a file has the shape that was published.

    Raises: DataError where it has another.
    """
    if tuple(found) != tuple(expected):
        raise DataError(
            f"{what} of '{path}' should have the shape {tuple(expected)}, not {tuple(found)}"
        )
