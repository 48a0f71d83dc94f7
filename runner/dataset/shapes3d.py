"""3D Shapes: an object in a room, with three colours, its size, its shape and the view.

Shapes: N images, C H W image, B images in a chunk, F factors.

Source: Burgess and Kim 2018, github.com/google-deepmind/3d-shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runner.dataset.archive.filling import fill
from runner.dataset.archive.guarded_reading import check_shape, no_array, reading
from runner.dataset.archive.source import Advance, RemoteFile, Source
from runner.dataset.splits import Factor
from runner.errors import DataError

if TYPE_CHECKING:
    import h5py

SHAPES = ("cube", "cylinder", "sphere", "capsule")

FACTORS = (
    Factor("floor_hue", 10),
    Factor("wall_hue", 10),
    Factor("object_hue", 10),
    Factor("scale", 8),
    Factor("shape", len(SHAPES)),
    Factor("orientation", 15),
)

_SIDE = 64
_CHUNK = 1024
"""Images that are read at a time, at least."""

_FILE = RemoteFile(
    name="3dshapes.h5",
    url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    size=267_573_662,
    digest="sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
)


def unpack(
    folder: Path, images_NCHW: NDArray[np.uint8], advance: Advance, *, grid: tuple[int, ...]
) -> None:
    """Fill ``images_NCHW`` from the HDF5 file, whose images are in the order of ``grid``.

    Raises: DataError when the file is missing, corrupt, or holds other images or another order.
    """
    images, channels, height, width = images_NCHW.shape
    chunks = _stream(folder / _FILE.name, (images, height, width, channels), grid)
    fill(images_NCHW, (chunk_BHWC.transpose(0, 3, 1, 2) for chunk_BHWC in chunks), advance)


def _stream(
    path: Path, shape: tuple[int, ...], grid: tuple[int, ...]
) -> Iterator[NDArray[np.uint8]]:
    """Return the images in chunks, (B, H, W, C), once the labels are seen to be in order."""
    import h5py

    with reading(path), h5py.File(path, "r") as file:
        stored = _array(file, "images", path, shape)
        if stored.dtype != np.uint8:
            raise DataError(f"'images' of '{path}' should be uint8, not {stored.dtype}")
        _check_order(_array(file, "labels", path, (shape[0], len(grid)))[:], grid, path)
        # Whole blocks of the file: a block that is read twice is inflated twice.
        block = stored.chunks[0] if stored.chunks else 1
        step = math.ceil(_CHUNK / block) * block
        for start in range(0, shape[0], step):
            yield stored[start : start + step]


def _array(file: h5py.File, name: str, path: Path, shape: tuple[int, ...]) -> h5py.Dataset:
    """Return an array of the file, not read yet.

    Raises: DataError when there is none of that name and shape.
    """
    import h5py

    array = file.get(name)
    if not isinstance(array, h5py.Dataset):
        raise no_array(name, path, file)
    check_shape(f"'{name}'", path, array.shape, shape)
    return array


def _check_order(labels_NF: NDArray[np.float64], grid: tuple[int, ...], path: Path) -> None:
    """Do nothing where each factor's value ascends along its own axis of the grid alone."""
    for axis, size in enumerate(grid):
        label_grid = labels_NF[:, axis].reshape(grid)
        along = [size if other == axis else 1 for other in range(len(grid))]
        values = np.moveaxis(label_grid, axis, 0).reshape(size, -1)[:, 0]
        if not (np.diff(values) > 0).all() or (label_grid != values.reshape(along)).any():
            raise DataError(
                f"'labels' of '{path}' should ascend in the order {grid} of the factors"
            )


SOURCE = Source(
    name="shapes3d",
    folder="shapes3d",
    files=(_FILE,),
    images=math.prod(factor.size for factor in FACTORS),
    shape=(3, _SIDE, _SIDE),
    factors=FACTORS,
    class_factor="shape",
    class_names=SHAPES,
    unpack=partial(unpack, grid=tuple(factor.size for factor in FACTORS)),
)
"""The size and the digest are those of TensorFlow Datasets."""
