"""Cars3D: models of cars seen all round from four heights, as MATLAB files in a tar archive.

Shapes: N images, C H W image, E elevations, A azimuths.

Source: Reed et al. 2015, "Deep Visual Analogy-Making". Factors, their order and 64 pixels along an
edge are those of Locatello et al. 2019; they resample with a Lanczos kernel, we take the mean of
every 2 x 2 pixels, which does not ring.
"""

from __future__ import annotations

import io
import math
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.dataset.archive.guarded_reading import check_shape, reading
from runner.dataset.archive.source import Advance, RemoteFile, Source
from runner.dataset.splits import Factor
from runner.errors import DataError

FACTORS = (Factor("elevation", 4), Factor("azimuth", 24), Factor("object_type", 183))

_SIDE = 64
_CARS = "data/cars"
"""Folder in the archive, which holds other datasets too."""

_FILE = RemoteFile(
    name="nips2015-analogy-data.tar.gz",
    url="http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
    size=None,
    digest="md5:4e866a7919c1beedf53964e6f7a23686",
)


def unpack(
    folder: Path, images_NCHW: NDArray[np.uint8], advance: Advance, *, grid: tuple[int, int, int]
) -> None:
    """Fill ``images_NCHW`` in the order (elevation, azimuth, car) from the archive.

    Cars are numbered as in the archive's own list of them.

    Raises: DataError when the archive is missing or corrupt, lists another number of cars than
        ``grid``, lacks one of them, or holds images of another size than twice ours.
    """
    path = folder / _FILE.name
    elevations, azimuths, cars = grid
    _, channels, height, width = images_NCHW.shape
    shape = (2 * height, 2 * width, channels, azimuths, elevations)
    found = 0
    for car, im_HWCAE in _stream(path, cars):
        check_shape(f"'im' of car {car + 1}", path, im_HWCAE.shape, shape)
        # The car varies fastest: its own images are that many apart.
        images_NCHW[car::cars] = _halved(im_HWCAE)
        advance(elevations * azimuths)
        found += 1
    if found < cars:
        raise DataError(f"'{path}' should hold the images of {cars} cars, and has {found}")


def _stream(path: Path, cars: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Return the number and the images of every listed car, in the order of the archive."""
    with reading(path), tarfile.open(path, "r:gz") as archive:
        # Twice through the archive: the list may come after the cars, and seeking back to each of
        # them would inflate it from its start each time.
        members = {member.name.removeprefix("./"): member for member in archive.getmembers()}
        listed = f"{_CARS}/list.txt"
        if listed not in members:
            raise DataError(f"'{path}' should have a file {listed}")
        names = _read(archive, members[listed]).decode().split()
        if len(names) != cars:
            raise DataError(f"'{path}' should list {cars} cars, not {len(names)}")
        numbers = {f"{_CARS}/{name}.mat": number for number, name in enumerate(names)}
        for name, member in members.items():
            if name in numbers:
                yield numbers[name], _load_matlab(_read(archive, member), path)


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name} is no file")
    return stream.read()


def _load_matlab(content: bytes, path: Path) -> NDArray[np.uint8]:
    """Return the array ``im`` of a MATLAB file.

    Raises: DataError when there is none, or it is not of bytes.
    """
    from scipy.io import loadmat

    # Over a damaged file SciPy raises whatever it stumbles upon.
    with reading(path, damage=(Exception,)):
        im = loadmat(io.BytesIO(content), variable_names=["im"]).get("im")
    if im is None or im.dtype != np.uint8:
        raise DataError(f"'{path}' has a car without an array 'im' of uint8")
    return im


def _halved(im_HWCAE: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the images of a car at half their size, (E A, C, H, W), the azimuth fastest."""
    large = im_HWCAE.transpose(4, 3, 0, 1, 2).reshape(-1, *im_HWCAE.shape[:3])
    small = [Image.fromarray(image).reduce(2) for image in large]
    return np.stack([np.asarray(image) for image in small]).transpose(0, 3, 1, 2)


SOURCE = Source(
    name="cars3d",
    folder="cars3d",
    files=(_FILE,),
    images=math.prod(factor.size for factor in FACTORS),
    shape=(3, _SIDE, _SIDE),
    factors=FACTORS,
    # 183 cars are too many for a Concrete variable or a legend, and azimuths go round in a circle.
    class_factor="elevation",
    class_names=tuple(str(level) for level in range(FACTORS[0].size)),
    unpack=partial(unpack, grid=(4, 24, 183)),
)
"""The digest is that of disent (Michlo 2021) and of latte-metrics alike."""
