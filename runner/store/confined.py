"""Reading and writing inside of a folder that may come from anyone.

Every function takes ``within``: a run folder, the folder of a grid or that of a comparison.
Nothing is read, written, made or deleted through a symbolic link that leaves it. Links that stay
inside are followed, and the folder itself may be a link, or lie behind one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from runner.errors import DataError, UsageError
from runner.files import open_regular, read_whole, refuse_others

_HINT = "replace the link by what belongs there, or delete it"


def confined(path: Path, within: Path) -> Path:
    """Return where a path beneath the folder ``within`` really lies, with all links followed.

    What is at the end of the path need not exist.

    Raises: UsageError when a link leaves the folder, or leads in a circle; it names the link.
    """
    home = Path(os.path.realpath(within))
    place = Path(os.path.realpath(path))
    if place.is_relative_to(home) and not _is_circular(place):
        return place
    link = within
    for part in path.relative_to(within).parts:
        link = link / part
        if not link.is_symlink():
            continue
        target = Path(os.path.realpath(link))
        if _is_circular(target):
            raise UsageError(f"'{link}' is a link that leads in a circle", _HINT)
        if not target.is_relative_to(home):
            message = f"'{link}' is a link out of '{within}', to '{target}'"
            raise UsageError(message, _HINT)
    raise UsageError(f"'{path}' is not in '{within}'")


def _is_circular(place: Path) -> bool:
    """Return whether a path, whose links have been followed, still has one: it leads to itself."""
    try:
        return stat.S_ISLNK(place.lstat().st_mode)
    except OSError as error:
        return error.errno == errno.ELOOP


def refuse_links_out(folder: Path, names: Iterable[str], depth: int = 2) -> None:
    """Refuse a folder with a link out of it among the entries ``names``, or in one of them.

    So that a folder is refused before anything is written to it. Names that are missing are
    passed over; entries of entries are looked at where ``depth`` is 2.

    Raises: UsageError, which names the link.
    """
    for name in names:
        path = folder / name
        if path.is_symlink():
            confined(path, folder)
        if depth > 1 and path.is_dir():
            for entry in sorted(path.iterdir()):
                if entry.is_symlink():
                    confined(entry, folder)


def read(path: Path, within: Path, most: int) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Raises:
        UsageError: a link leaves the folder.
        DataError: it is not a regular file, or has more than ``most`` bytes.
    """
    try:
        with open_to_read(path, within) as file:
            return read_whole(file, most, path)
    except FileNotFoundError:
        return None


def open_to_read(path: Path, within: Path) -> BufferedReader:
    """Open a file for reading.

    Raises: FileNotFoundError; UsageError and DataError as :func:`read`.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    return os.fdopen(_open(path, within, flags), "rb")


def open_to_append(path: Path, within: Path) -> BinaryIO:
    """Open a file for appending, which is created if it does not exist.

    Raises: UsageError and DataError as :func:`read`.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    return os.fdopen(_open(path, within, flags), "ab")


def file_place(path: Path, within: Path) -> Path:
    """Return where a file really lies or would be made, for a library that opens it by name.

    Raises: UsageError and DataError as :func:`read`.
    """
    place = confined(path, within)
    refuse_others(place, path)
    return place


def make_folder(path: Path, within: Path) -> None:
    """Make a folder and those above it, if they do not exist.

    Raises: UsageError when a link leaves the folder; DataError when something else is there.
    """
    try:
        confined(path, within).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"'{path}' is a file, not a folder") from error


def delete(path: Path, within: Path) -> None:
    """Delete a file if it exists; of a link that stays inside of the folder, the link itself.

    Raises: UsageError when a link leaves the folder.
    """
    confined(path, within)
    (confined(path.parent, within) / path.name).unlink(missing_ok=True)


def write_atomically(
    path: Path, content: bytes | Iterable[bytes], within: Path | None = None
) -> None:
    """Replace a file atomically and durably: after a crash it has its old or its new content.

    Args:
        path: the file, in a folder that exists.
        content: its new content, or the parts of it, which are written one by one.
        within: the folder that no link may leave; by default the one that holds the file.

    Raises: UsageError when a link leaves the folder; DataError when a folder is in its place.
    """
    within = within or path.parent
    confined(path, within)
    folder = confined(path.parent, within)
    temporary, target = folder / f".{path.name}.tmp", folder / path.name
    try:
        with _create(temporary) as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, IsADirectoryError):
            raise DataError(f"'{path}' is a folder, not a file") from error
        raise
    _sync_folder(folder)


def _create(path: Path) -> BinaryIO:
    """Open a new file for writing, in place of one that a killed process has left.

    A link that was put in its place is removed, and not followed.
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _open(path: Path, within: Path, flags: int) -> int:
    place = confined(path, within)
    try:
        return open_regular(place, flags | os.O_NOFOLLOW, shown=path)
    except NotADirectoryError as error:
        raise DataError(f"'{path.parent}' is a file, not a folder") from error
    except OSError as error:
        if error.errno == errno.ELOOP:  # it became a link just now
            raise UsageError(f"'{path}' is a link", _HINT) from error
        raise


def _sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, so that no later write is durable before them."""
    with suppress(OSError):  # not every system can; replacing is atomic there nevertheless
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
