"""MNIST and Fashion-MNIST: files in torchvision's layout, checked before they are believed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from runner.dataset.splits import Dataset, Factor, ResidentSplit
from runner.errors import DataError

_WITHOUT_FILES = "dataset=sprites and dataset=digits need no file"


@dataclass(frozen=True)
class IdxFiles:
    """A dataset published as four IDX files, and how to know them."""

    name: str
    folder: str
    """Below ``data_dir``; also the name of torchvision's class that downloads it."""
    digests: Mapping[str, str]
    """SHA-256 of each unpacked file."""
    class_names: tuple[str, ...]


MNIST = IdxFiles(
    "mnist",
    "MNIST",
    {
        "train-images-idx3-ubyte": (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        "train-labels-idx1-ubyte": (
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
        "t10k-images-idx3-ubyte": (
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ),
        "t10k-labels-idx1-ubyte": (
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    },
    tuple(str(digit) for digit in range(10)),
)

FASHION_MNIST = IdxFiles(
    "fashion_mnist",
    "FashionMNIST",
    {
        "train-images-idx3-ubyte": (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
        ),
        "train-labels-idx1-ubyte": (
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
        ),
        "t10k-images-idx3-ubyte": (
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
        ),
        "t10k-labels-idx1-ubyte": (
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
        ),
    },
    ("t-shirt", "trouser", "pullover", "dress", "coat",
     "sandal", "shirt", "sneaker", "bag", "ankle boot"),
)  # fmt: skip


def load_mnist(data_dir: str, device: torch.device) -> Dataset:
    """Return MNIST with its official test split (LeCun et al. 1998)."""
    return load_idx(MNIST, data_dir, device)


def load_fashion_mnist(data_dir: str, device: torch.device) -> Dataset:
    """Return Fashion-MNIST with its official test split (Xiao et al. 2017)."""
    return load_idx(FASHION_MNIST, data_dir, device)


def load_idx(files: IdxFiles, data_dir: str, device: torch.device) -> Dataset:
    """Return a dataset of IDX files, after a download if ``data_dir`` does not hold them.

    Raises: DataError when a file is missing and cannot be downloaded, or is not the published one.
    """
    raw = Path(data_dir) / files.folder / "raw"
    if not all((raw / name).is_file() for name in files.digests):
        _download(files, data_dir)
    contents = {name: _read(raw / name, digest) for name, digest in files.digests.items()}

    def split(stem: str) -> ResidentSplit:
        images_NHW = _parse(contents[f"{stem}-images-idx3-ubyte"])
        labels_N = _parse(contents[f"{stem}-labels-idx1-ubyte"]).long()
        return ResidentSplit(images_NHW[:, None].to(device), labels_N[:, None].to(device))

    train, test = split("train"), split("t10k")
    _, channels, height, width = train.images_NCHW.shape
    return Dataset(
        name=files.name,
        train=train,
        test=test,
        held_out=True,
        factors=(Factor("label", len(files.class_names)),),
        shape=(channels, height, width),
        class_factor="label",
        class_names=files.class_names,
    )


def _download(files: IdxFiles, data_dir: str) -> None:
    import torchvision.datasets

    try:
        getattr(torchvision.datasets, files.folder)(data_dir, download=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(":")
        raise DataError(
            f"{files.name} is not in data_dir='{data_dir}' and cannot be downloaded ({reason})",
            f"data_dir=FOLDER where FOLDER/{files.folder}/raw holds its files; {_WITHOUT_FILES}",
        ) from error


def _read(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise DataError(
            f"{path} is truncated or corrupt: its {len(content):,} bytes are not the published ones",
            f"delete it to have it downloaded again; {_WITHOUT_FILES}",
        )
    return content


def _parse(content: bytes) -> Tensor:
    """Return an IDX file of bytes: four bytes of type, a big-endian size per axis, the values."""
    axes = content[3]
    sizes = [int.from_bytes(content[4 + 4 * a : 8 + 4 * a]) for a in range(axes)]
    values = bytearray(content[4 + 4 * axes :])
    return torch.frombuffer(values, dtype=torch.uint8).reshape(sizes)
