"""SmallNORB: toys of five categories in different poses and light, as gzipped binary matrices.

Shapes: N images, C H W image, B images in a chunk, F factors.

Source: LeCun, Huang and Bottou 2004; the matrix format is described beside the files. Both parts
together, 64 pixels along an edge, a Lanczos kernel and four factors follow Locatello et al. 2019:
the instance of a toy is no factor, as instances of two categories have nothing in common.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.dataset.archive.filling import fill
from runner.dataset.archive.guarded_reading import check_shape, reading
from runner.dataset.archive.source import Advance, RemoteFile, Source
from runner.dataset.splits import Factor
from runner.errors import DataError

CATEGORIES = ("animal", "human", "airplane", "truck", "car")

FACTORS = (
    Factor("category", len(CATEGORIES)),
    Factor("elevation", 9),
    Factor("azimuth", 18),
    Factor("lighting", 6),
)

INSTANCES = 10
"""Toys of each category."""

_SIDE = 64
_PUBLISHED_SIDE = 96
_CHUNK = 512
"""Pairs of images that are read at a time."""

_BYTES = 0x1E3D4C55
_INTEGERS = 0x1E3D4C54
"""First word of a matrix of bytes, and of one of integers of four bytes."""

_PAGE = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
PARTS = (
    "smallnorb-5x46789x9x18x6x2x96x96-training",
    "smallnorb-5x01235x9x18x6x2x96x96-testing",
)


def unpack(
    folder: Path,
    images_NCHW: NDArray[np.uint8],
    advance: Advance,
    *,
    grid: tuple[int, ...],
    side: int,
) -> NDArray[np.int64]:
    """Fill ``images_NCHW`` with the images of the first camera, and return the factors, (N, 4).

    Images come in the order of ``grid``: category, elevation, azimuth, lighting and, fastest,
    instance, which is not returned. ``side`` is that of the published images.

    Raises: DataError when a file is missing or corrupt, or the grid does not have one image for
        each combination.
    """
    images = len(images_NCHW)
    places = [_places(folder, part, grid) for part in PARTS]
    if not np.array_equal(np.sort(np.concatenate(places)), np.arange(images)):
        raise DataError(
            f"the files in '{folder}' should have one image for each of {images:,} settings"
        )
    for part, places_N in zip(PARTS, places, strict=True):
        chunks = _stream(folder / f"{part}-dat.mat.gz", (len(places_N), 2, side, side))
        size = images_NCHW.shape[2:]
        small = (_resized(chunk_BHW, size)[:, None] for chunk_BHW in chunks)
        fill(images_NCHW, small, advance, places_N)
    factors = np.unravel_index(np.arange(images), grid)[: len(FACTORS)]
    return np.stack(factors, axis=1).astype(np.int64)


def _places(folder: Path, part: str, grid: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the place of each image of a part on the grid, (N,)."""
    category_N = _read_integers(folder / f"{part}-cat.mat.gz", columns=())
    path = folder / f"{part}-info.mat.gz"
    info_N4 = _read_integers(path, columns=(4,))
    check_shape("the matrix", path, info_N4.shape, (len(category_N), 4))
    instance_N, elevation_N, azimuth_N, lighting_N = info_N4.T
    # Azimuths are multiples of 20 degrees, written in tens of degrees.
    cells = (category_N, elevation_N, azimuth_N // 2, lighting_N, instance_N)
    with reading(path):
        return np.ravel_multi_index(cells, grid)


def _read_integers(path: Path, columns: tuple[int, ...]) -> NDArray[np.int32]:
    """Return a whole matrix of labels, (N, *columns)."""
    with reading(path), gzip.open(path) as stream:
        shape = _read_header(stream, path, _INTEGERS)
        check_shape("the matrix", path, shape, (*shape[:1], *columns))
        data = _read_exactly(stream, 4 * math.prod(shape))
        _read_end(stream)
    return np.frombuffer(data, "<i4").reshape(shape)


def _stream(path: Path, shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Return the first image of each pair, in chunks, (B, H, W)."""
    with reading(path), gzip.open(path) as stream:
        check_shape("the matrix", path, _read_header(stream, path, _BYTES), shape)
        images, *pair = shape
        for start in range(0, images, _CHUNK):
            count = min(_CHUNK, images - start)
            data = _read_exactly(stream, count * math.prod(pair))
            yield np.frombuffer(data, np.uint8).reshape(count, *pair)[:, 0]
        _read_end(stream)


def _read_header(stream: gzip.GzipFile, path: Path, kind: int) -> tuple[int, ...]:
    """Return the shape of the matrix that follows; sizes are written for three axes at least.

    Raises: DataError when the matrix is not of the type ``kind``.
    """
    found, axes = struct.unpack("<2i", _read_exactly(stream, 8))
    if found != kind:
        raise DataError(f"'{path}' should start with {kind:#x}, not {found:#x}")
    sizes = max(3, axes)
    return struct.unpack(f"<{sizes}i", _read_exactly(stream, 4 * sizes))[:axes]


def _read_exactly(stream: gzip.GzipFile, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError(f"it ends {count - len(data):,} bytes early")
    return data


def _read_end(stream: gzip.GzipFile) -> None:
    """Read past the last value, where gzip compares the checksum."""
    if stream.read(1):
        raise ValueError("it goes on after its last value")


def _resized(images_BHW: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    height, width = size
    small = [
        Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
        for image in images_BHW
    ]
    return np.stack([np.asarray(image) for image in small])


def _file(part: str, kind: str, size: int, sha256: str) -> RemoteFile:
    name = f"{part}-{kind}.mat.gz"
    return RemoteFile(name, f"{_PAGE}/{name}", size, f"sha256:{sha256}")


_TRAINING, _TESTING = PARTS

SOURCE = Source(
    name="smallnorb",
    folder="smallnorb",
    files=(
        _file(
            _TRAINING,
            "dat",
            131_896_188,
            "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
        ),
        _file(
            _TRAINING,
            "cat",
            348,
            "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa",
        ),
        _file(
            _TRAINING,
            "info",
            71_052,
            "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32",
        ),
        _file(
            _TESTING,
            "dat",
            130_799_817,
            "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
        ),
        _file(
            _TESTING,
            "cat",
            347,
            "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff",
        ),
        _file(
            _TESTING,
            "info",
            10_428,
            "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2",
        ),
    ),
    images=math.prod(factor.size for factor in FACTORS) * INSTANCES,
    shape=(1, _SIDE, _SIDE),
    factors=FACTORS,
    class_factor="category",
    class_names=CATEGORIES,
    unpack=partial(
        unpack, grid=(*(factor.size for factor in FACTORS), INSTANCES), side=_PUBLISHED_SIDE
    ),
)
"""Sizes and digests are those of TensorFlow Datasets."""
