"""Images of a member of an .npz archive, in chunks: unpacked archives can exceed the memory.

Shapes: N images, B images in a chunk.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from runner.dataset.archive.guarded_reading import check_shape, no_array, reading
from runner.errors import DataError

_CHUNK_BYTES = 2**22


def stream_member(
    path: Path, member: str, *, shape: Sequence[int] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Return the images of ``member``, as in ``numpy.load(path)[member]``, in chunks, in order.

    Nothing is unpickled, no more than a chunk is in memory, and the archive's checksum is verified
    after the last chunk.

    Shapes: (B, ...) of a member of shape (N, ...); B is as many as fit in 4 MiB, at least one.
    Raises: DataError when the archive is missing or corrupt, lacks the member, or the member is no
        array of bytes in C order, or of another shape than ``shape`` where that is given.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if member not in names:
            raise no_array(member, path, names)
        with archive.open(f"{member}.npy") as stream:
            header = _read_header(stream, f"'{member}' of '{path}'")
            check_shape(f"'{member}'", path, header, header if shape is None else shape)
            yield from _read_chunks(stream, header)
            if stream.read(1):  # past the last image, where the checksum is compared
                raise ValueError(f"'{member}' goes on after its last image")


def _read_header(stream: IO[bytes], what: str) -> tuple[int, ...]:
    """Return the shape of the array of bytes that follows.

    Raises: DataError when it is no array of bytes in C order.
    """
    is_first_version = npy.read_magic(stream) == (1, 0)
    read = npy.read_array_header_1_0 if is_first_version else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if dtype != np.uint8 or is_fortran or not shape:
        order = "Fortran" if is_fortran else "C"
        raise DataError(
            f"{what} should be images of uint8 in C order, and is {dtype} of shape {shape} "
            f"in {order} order"
        )
    return shape


def _read_chunks(stream: IO[bytes], shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    images, *image = shape
    image_bytes = math.prod(image)
    most = max(1, _CHUNK_BYTES // max(1, image_bytes))
    for start in range(0, images, most):
        count = min(most, images - start)
        data = stream.read(count * image_bytes)
        if len(data) < count * image_bytes:
            done = start + len(data) // image_bytes
            raise EOFError(f"it ends after {done:,} of {images:,} images")
        yield np.frombuffer(data, np.uint8).reshape(count, *image)
