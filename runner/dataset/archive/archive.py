"""A published dataset: unpacked once into an array beside its files, and loaded from there.

Shapes: N images, C H W image, F factors.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from runner import progress
from runner.dataset.archive import checksums as files
from runner.dataset.archive.guarded_reading import check_shape, reading
from runner.dataset.archive.residency import free_memory, place
from runner.dataset.archive.source import Advance, Source
from runner.dataset.factor_grid import grid_factors
from runner.dataset.splits import Dataset
from runner.errors import DataError


def images_file(source: Source, root: Path) -> Path:
    """Return the file of the unpacked images, which datasets made of the same archive share."""
    return root / source.folder / f"{source.files[0].name}.images.npy"


def factors_file(source: Source, root: Path) -> Path:
    """Return the file of the unpacked factors, which a full factor grid does not need."""
    return root / source.folder / f"{source.files[0].name}.factors.npy"


def unpacked_bytes(source: Source) -> int:
    """Return the size of the unpacked images."""
    return source.images * math.prod(source.shape)


def unpack(source: Source, root: Path, advance: Advance) -> None:
    """Write the images, (N, C, H, W), and the factors of a source into files of their own.

    Each file appears once it is complete, the images last: where they are, the factors are too.

    Raises: DataError when the source's files are missing or corrupt, or the disk is too small.
    """
    folder = files.require(source, source.files, root)
    path = images_file(source, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free
    if free < unpacked_bytes(source):  # a mapped file that outgrows the disk ends the process
        raise DataError(
            f"{source.name} needs {unpacked_bytes(source) / 1e9:.1f} GB in '{path.parent}', "
            f"where {free / 1e9:.1f} GB are free",
            "make room, or name a folder on another disk with data_dir=…",
        )
    with _replacing(path) as partial:
        shape = (source.images, *source.shape)
        images_NCHW = npy.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        factors_NF = source.unpack(folder, images_NCHW, advance)
        images_NCHW.flush()
        if factors_NF is not None:
            with _replacing(factors_file(source, root)) as beside, beside.open("wb") as out:
                np.save(out, factors_NF)


def require_files(source: Source, data_dir: str) -> None:
    """Raise DataError where files of a source are missing; none is read, written or verified."""
    root = Path(data_dir).expanduser()
    is_unpacked = images_file(source, root).is_file()
    for group in (() if is_unpacked else source.files, source.beside):
        if files.missing(group, files.home(source, group, root)):
            files.require(source, group, root)


def load(source: Source, data_dir: str, device: torch.device) -> Dataset:
    """Return a published dataset, unpacked first if necessary.

    Raises: DataError when its files are missing or corrupt.
    """
    root = Path(data_dir).expanduser()
    path = images_file(source, root)
    if not path.is_file():
        files.require(source, source.files, root)
        progress.say(f"unpacking {source.name} once, into '{path}'")
        unpack(source, root, lambda _: None)
    with reading(path):
        images_NCHW: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    check_shape("the array", path, images_NCHW.shape, (source.images, *source.shape))
    cuts = (source.images - source.test_images,) if source.test_images else ()
    factors_NF = _factors(source, root).to(device)
    splits = place(images_NCHW, factors_NF, cuts, free_bytes=free_memory(device))
    return Dataset(
        name=source.name,
        train=splits[0],
        test=splits[-1],
        has_test_split=source.test_images > 0,
        factors=source.factors,
        shape=source.shape,
        class_factor=source.class_factor,
        class_names=source.class_names,
    )


def _factors(source: Source, root: Path) -> Tensor:
    """Return the factors of all images, (N, F)."""
    path = factors_file(source, root)
    if not path.is_file():
        return grid_factors(source.factors, torch.arange(source.images))
    with reading(path):
        factors_NF: NDArray[np.int64] = np.load(path)
    check_shape("the array", path, factors_NF.shape, (source.images, len(source.factors)))
    return torch.from_numpy(factors_NF)


@contextlib.contextmanager
def _replacing(path: Path) -> Generator[Path]:
    """Yield a temporary path, which replaces ``path`` atomically unless an exception is raised."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
