"""MPI3D: a robot arm that holds an object, rendered twice, photographed, and with real objects.

Shapes: N images, C H W image.

Source: Gondal et al. 2019, "On the Transfer of Inductive Bias from Simulation to the Real World";
the names of the values are those of the authors' page, github.com/rr-learning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.dataset.archive.filling import fill
from runner.dataset.archive.npz import stream_member
from runner.dataset.archive.source import Advance, RemoteFile, Source
from runner.dataset.splits import Factor

OBJECTS = ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere")
COMPLEX_OBJECTS = ("coffee-cup", "tennis-ball", "croissant", "beer-cup")

_SIDE = 64
_PAGE = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
"""Where the authors moved the files to; their first address has closed."""
_COMPLEX_FILE = (
    "https://drive.usercontent.google.com/download"
    "?id=1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm&export=download&confirm=t"
)
"""The authors' link to Google Drive, with its question whether to skip the virus scan answered."""


def unpack(
    folder: Path, images_NCHW: NDArray[np.uint8], advance: Advance, *, file_name: str
) -> None:
    """Fill ``images_NCHW`` from an archive whose images are in the order of the factor grid.

    Raises: DataError when the archive is missing, corrupt, or does not hold as many such images.
    """
    images, channels, height, width = images_NCHW.shape
    shape = (images, height, width, channels)
    chunks = stream_member(folder / file_name, "images", shape=shape)
    fill(images_NCHW, (chunk_BHWC.transpose(0, 3, 1, 2) for chunk_BHWC in chunks), advance)


def _source(name: str, file: RemoteFile, colours: int, objects: tuple[str, ...]) -> Source:
    factors = (
        Factor("object_color", colours),
        Factor("object_shape", len(objects)),
        Factor("object_size", 2),
        Factor("camera_height", 3),
        Factor("background_color", 3),
        Factor("horizontal_axis", 40),
        Factor("vertical_axis", 40),
    )
    return Source(
        name=name,
        folder="mpi3d",
        files=(file,),
        images=math.prod(factor.size for factor in factors),
        shape=(3, _SIDE, _SIDE),
        factors=factors,
        class_factor="object_shape",
        class_names=objects,
        unpack=partial(unpack, file_name=file.name),
    )


def _simple(name: str, md5: str) -> Source:
    """Return one of the three datasets of the same six simple objects."""
    file = RemoteFile(f"{name}.npz", f"{_PAGE}/{name}.npz", size=None, digest=f"md5:{md5}")
    return _source(name, file, 6, OBJECTS)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        _simple("mpi3d_toy", md5="55889cb7c7dfc655d6e0277beee88868"),
        _simple("mpi3d_realistic", md5="59a6225b88b635365f70c91b3e52f70f"),
        _simple("mpi3d_real", md5="0f33f609918fb5c97996692f91129802"),
        _source(
            "mpi3d_complex",
            RemoteFile(
                "real3d_complicated_shapes_ordered.npz", _COMPLEX_FILE, size=None, digest=None
            ),
            4,
            COMPLEX_OBJECTS,
        ),
    )
}
"""By name. The digests are those that disent (Michlo 2021) publishes; the fourth has none."""
