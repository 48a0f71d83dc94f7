"""MNIST and Fashion-MNIST: IDX files in torchvision's folders, downloaded if they are missing.

Shapes: N images, C H W image.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from runner.dataset.idx_files import Collection, IdxFile, content_of, is_there, path_of, remedy
from runner.dataset.splits import Dataset, Factor, ResidentSplit
from runner.errors import DataError

_NETWORK_SECONDS = 20.0
"""Timeout of the connection; torchvision itself sets none."""


def _pair(part: str, images: int, *, of_images: str, of_labels: str) -> tuple[IdxFile, IdxFile]:
    """Return the two files of a split, known by their SHA-256."""
    return (
        IdxFile(f"{part}-images-idx3-ubyte", (images, 28, 28), of_images),
        IdxFile(f"{part}-labels-idx1-ubyte", (images,), of_labels),
    )


MNIST = Collection(
    name="mnist",
    folder="MNIST",
    class_names=tuple("0123456789"),
    train=_pair(
        "train",
        60_000,
        of_images="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        of_labels="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test=_pair(
        "t10k",
        10_000,
        of_images="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        of_labels="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
"""Source: LeCun, Cortes and Burges 1998."""

FASHION_MNIST = Collection(
    name="fashion_mnist",
    folder="FashionMNIST",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    train=_pair(
        "train",
        60_000,
        of_images="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        of_labels="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test=_pair(
        "t10k",
        10_000,
        of_images="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        of_labels="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
"""Source: Xiao, Rasul and Vollgraf 2017."""


def load(collection: Collection, data_dir: str, device: torch.device) -> Dataset:
    """Return a collection from ``data_dir``, downloaded first if a file is missing.

    Raises: DataError when the download fails, or a file is not the published one.
    """
    root = Path(data_dir).expanduser()
    if not is_there(collection, root):
        _download(collection, root)
    train, test = (
        ResidentSplit(
            images_NCHW=read(path_of(collection, images, root), images).unsqueeze(1).to(device),
            factors_NF=read(path_of(collection, labels, root), labels)
            .unsqueeze(1)
            .to(device, torch.int64),
        )
        for images, labels in (collection.train, collection.test)
    )
    _, height, width = collection.train[0].shape
    return Dataset(
        name=collection.name,
        train=train,
        test=test,
        has_test_split=True,
        factors=(Factor("label", len(collection.class_names)),),
        shape=(1, height, width),
        class_factor="label",
        class_names=collection.class_names,
    )


def read(path: Path, file: IdxFile) -> Tensor:
    """Return the values of a file, uint8, in its shape.

    The digest covers the header too, so the shape is known without reading it.

    Raises: DataError when the file cannot be read or is not the published one.
    """
    mend = "delete it and run again to download it, or put an intact copy in its place"
    try:
        content = bytearray(content_of(path, file.size))
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror})") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"'{path}' is truncated or corrupt", mend) from error
    if len(content) != file.size:
        found = f"{len(content):,} bytes instead of {file.size:,}"
        raise DataError(f"'{path}' is truncated or corrupt: it has {found}", mend)
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        found = f"{len(content):,} bytes as expected, but sha256 {digest[:12]}…"
        raise DataError(f"'{path}' is corrupt: {found} instead of {file.sha256[:12]}…", mend)
    return torch.frombuffer(content, dtype=torch.uint8, offset=file.header).view(file.shape)


def _download(collection: Collection, root: Path) -> None:
    """Download the files of a collection; each appears in ``root`` once it is complete."""
    from torchvision import datasets

    sources = {"MNIST": datasets.MNIST, "FashionMNIST": datasets.FashionMNIST}
    subfolder = Path(collection.folder) / "raw"
    try:
        with TemporaryDirectory(prefix="vaerun-") as scratch:
            with _impatience():
                sources[collection.folder](scratch, train=False, download=True)
            (root / subfolder).mkdir(parents=True, exist_ok=True)
            for file in (*collection.train, *collection.test):
                _install(Path(scratch) / subfolder / file.name, root / subfolder / file.name)
    except (OSError, HTTPException, RuntimeError) as error:
        raise DataError(
            f"{collection.name} is not in '{root}' and could not be downloaded ({_reason(error)})",
            remedy(collection, root),
        ) from error


def _install(arrived: Path, path: Path) -> None:
    """Copy a file to its place atomically, so that another process never reads half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.copyfile(arrived, partial)
    partial.replace(path)


@contextmanager
def _impatience() -> Generator[None]:
    """Set a timeout for connections, which torchvision has no setting for."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_NETWORK_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    """Return why a download failed, in a few words.

    torchvision's message has two lines for each mirror; the first mirror's is returned.
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    mirror = re.search(r"got:\s*(.+)", text)
    line = mirror[1] if mirror else next(iter(text.splitlines()), type(error).__name__)
    return re.sub(r"<urlopen error |\[Errno -?\d+\] |>$", "", line)
