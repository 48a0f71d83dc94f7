"""The published files of a dataset: where they are, and whether they are intact."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from runner.dataset.archive.nearby import elsewhere, in_another_form
from runner.dataset.archive.source import RemoteFile, Source
from runner.errors import DataError


def home(source: Source, files: Sequence[RemoteFile], root: Path) -> Path:
    """Return the folder where ``files`` of a source are or belong.

    It is the source's own folder in ``root``, or ``root`` itself where more of them are there.
    """
    own = root / source.folder
    return max((own, root), key=lambda folder: len(files) - len(missing(files, folder)))


def missing(files: Sequence[RemoteFile], folder: Path) -> list[RemoteFile]:
    """Return the ``files`` that a folder lacks."""
    return [file for file in files if not (folder / file.name).is_file()]


def require(source: Source, files: Sequence[RemoteFile], root: Path) -> Path:
    """Return the folder with ``files`` of a source, each verified.

    Raises: DataError when one is missing or is not the published one.
    """
    folder = home(source, files, root)
    if absent := missing(files, folder):
        message = f"{source.name} is not in '{root}': {absent[0].name} is missing"
        raise DataError(message, _remedy(source, absent, folder, root))
    for file in files:
        verify(file, folder / file.name)
    return folder


def _remedy(source: Source, absent: Sequence[RemoteFile], folder: Path, root: Path) -> str:
    """Return how to mend it that files are missing, after a look at what is there."""
    name = absent[0].name
    if (found := elsewhere(root, name)) is not None:
        return f"it is in '{found.parent}': data_dir={shlex.quote(str(found.parent))}"
    if (found := in_another_form(root, name)) is not None:
        return f"'{found}' is there, and is not the published form, {name}"
    names = ", ".join(file.name for file in absent)
    return (
        f"vaerun fetch {source.name} data_dir={shlex.quote(str(root))} brings it where there "
        f"is a network; or put {names} into '{folder}'"
    )


def verify(file: RemoteFile, path: Path) -> None:
    """Check that ``path`` is the published file; its digest is computed once and remembered.

    Raises: DataError when it is not.
    """
    mark = _mark(path)
    if mark.is_file() and mark.read_text(encoding="utf-8") == _state(file, path):
        return
    check(file, path)
    remember(file, path)


def remember(file: RemoteFile, path: Path) -> None:
    """Note beside ``path`` that it is the published file, with its size and modification time."""
    with contextlib.suppress(OSError):  # a folder that cannot be written: look again next time
        _mark(path).write_text(_state(file, path), encoding="utf-8")


def check(file: RemoteFile, path: Path) -> None:
    """Check that ``path`` has the published size and digest, as far as they are known.

    Raises: DataError when it has not.
    """
    mend = "delete it and fetch it again, or put an intact copy in its place"
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        found = f"{size:,} bytes instead of {file.size:,}"
        raise DataError(f"'{path}' is truncated or corrupt: it has {found}", mend)
    if file.digest is None:
        return
    algorithm, _, wanted = file.digest.partition(":")
    with path.open("rb") as stream:  # md5 tells damage, if not forgery
        kind = partial(hashlib.new, algorithm, usedforsecurity=False)
        digest = hashlib.file_digest(stream, kind).hexdigest()
    if digest != wanted:
        found = f"{algorithm} {digest[:12]}… instead of {wanted[:12]}…"
        raise DataError(f"'{path}' is corrupt or another version: {found}", mend)


def _mark(path: Path) -> Path:
    return path.with_name(f".{path.name}.verified")


def _state(file: RemoteFile, path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns} {file.digest}"
