"""The IDX files of MNIST and its like: in which folders and forms they are found."""

from __future__ import annotations

import gzip
import hashlib
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.dataset.archive.nearby import elsewhere, in_another_form


@dataclass(frozen=True)
class IdxFile:
    """A file of bytes behind a header of four bytes and four more per dimension."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> int:
        """Bytes before the first value."""
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.header + math.prod(self.shape)


@dataclass(frozen=True)
class Collection:
    """A dataset of four IDX files: images and labels of the training and of the test split."""

    name: str
    folder: str
    """The folder that torchvision uses, the name of its class."""
    class_names: tuple[str, ...]
    train: tuple[IdxFile, IdxFile]
    test: tuple[IdxFile, IdxFile]

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """All four."""
        return (*self.train, *self.test)


def is_there(collection: Collection, root: Path) -> bool:
    """Whether all files of a collection are in a folder, in one of their usual forms."""
    return all(path_of(collection, file, root).is_file() for file in collection.files)


def path_of(collection: Collection, file: IdxFile, root: Path) -> Path:
    """Return where a file is, or where it belongs if it is nowhere.

    Beside torchvision's folder, the one around it is looked into, and ``root`` may be either; a
    file may be compressed, or named ``train-images.idx3-ubyte``.
    """
    names = (file.name, file.name.replace("-idx", ".idx"))
    forms = [f"{name}{ending}" for name in names for ending in ("", ".gz")]
    found = [folder / form for folder in _folders(collection, root) for form in forms]
    return next((path for path in found if path.is_file()), found[0])


def _folders(collection: Collection, root: Path) -> Iterator[Path]:
    """Yield the folders of a collection; all have its name, for others have files so called too."""
    for name in (collection.folder, collection.name):
        yield root / name / "raw"
        yield root / name
        absolute = root.absolute()
        if absolute.name == name:
            yield root / "raw"
        if name in (absolute.name, absolute.parent.name):
            yield root


def content_of(path: Path, size: int) -> bytes:
    """Return the bytes of a file, uncompressed, and no more of them than one beyond ``size``."""
    with path.open("rb") as file:
        if path.suffix != ".gz":
            return file.read(size + 1)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return unpacked.read(size + 1)


def remedy(collection: Collection, root: Path) -> str:
    """Return what to do without a download, after a look at what is there."""
    paths = [path_of(collection, file, root) for file in collection.files]
    there = [path for path in paths if path.is_file()]
    if there:
        names = ", ".join(path.name for path in paths if not path.is_file())
        return f"'{there[0].parent}' has {there[0].name}, and lacks {names}"
    own = root / collection.folder / "raw"
    first = collection.files[0]
    if (found := elsewhere(root, first.name)) is not None and _is(first, found):
        around = found.parent.parent.parent
        if path_of(collection, first, around) == found:
            return f"it is in '{found.parent}': data_dir={shlex.quote(str(around))}"
        return f"it is in '{found.parent}', and belongs in '{own}'"
    names = ", ".join(file.name for file in collection.files)
    archive = f"{collection.name}.npz"
    if (found := elsewhere(root, archive) or in_another_form(root, archive)) is not None:
        return f"'{found}' is there, and is not the published form: {names}"
    return (
        "dataset=sprites and dataset=digits need no download; "
        f"or name a folder that holds {Path(collection.folder) / 'raw'} with data_dir=…"
    )


def _is(file: IdxFile, path: Path) -> bool:
    """Whether a file is a published one."""
    return hashlib.sha256(content_of(path, file.size)).hexdigest() == file.sha256
