"""CelebA: aligned faces of celebrities with forty binary attributes.

Shapes: N images, C H W image, F attributes.

Source: Liu et al. 2015, "Deep Learning Face Attributes in the Wild". The crop of 148 pixels at the
centre, then 64, is that of PyTorch-VAE (Subramanian 2020) and of many who followed it.
"""

from __future__ import annotations

import io
import zipfile
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

ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)

_SIDE = 64
_CROP = 148
_PUBLISHED_SIZE = (178, 218)
"""Width and height of the aligned images."""
_TEST = 2
"""Of the parts 0, 1 and 2: training, validation and test."""
_STEP = 256
"""Images between two reports of progress."""

_DRIVE = "https://drive.google.com/uc?export=download&id="
_IMAGES = RemoteFile(
    name="img_align_celeba.zip",
    # PyTorch's copy for its tutorials: of a file this large, Google Drive sends a page that asks
    # whether it may skip the search for viruses.
    url="https://s3.amazonaws.com/pytorch-tutorial-assets/img_align_celeba.zip",
    size=1_443_490_838,
    digest="sha256:46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
)
_LABELS = RemoteFile(
    name="list_attr_celeba.txt",
    url=f"{_DRIVE}0B7EVK8r0v71pblRyaVFSWGxPY0U",
    size=26_721_026,
    digest="sha256:f0e5da289d5ccf75ffe8811132694922b60f2af59256ed362afa03fefba324d0",
)
_PARTITION = RemoteFile(
    name="list_eval_partition.txt",
    url=f"{_DRIVE}0B7EVK8r0v71pY0NSMzRuSXJEVkk",
    size=2_836_386,
    digest="sha256:fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
)


def unpack(
    folder: Path, images_NCHW: NDArray[np.uint8], advance: Advance, *, test_images: int
) -> NDArray[np.int64]:
    """Fill ``images_NCHW``, test images last, and return the attributes, (N, 40), 0 or 1.

    Raises: DataError when a file is missing or corrupt, or the numbers of images do not agree.
    """
    names, labels_NF = _read_labels(folder / _LABELS.name)
    test_N = _read_partition(folder / _PARTITION.name, names) == _TEST
    for found, expected in ((len(names), len(images_NCHW)), (int(test_N.sum()), test_images)):
        if found != expected:
            raise DataError(
                f"the lists in '{folder}' should have {expected:,} images, not {found:,}"
            )
    order_N = np.argsort(test_N, kind="stable")
    pictures = _stream(folder / _IMAGES.name, [names[n] for n in order_N], images_NCHW.shape[1:])
    for n, picture_HWC in enumerate(pictures, 1):
        images_NCHW[n - 1] = picture_HWC.transpose(2, 0, 1)
        if n % _STEP == 0 or n == len(names):
            advance((n - 1) % _STEP + 1)
    return labels_NF[order_N]


def _read_labels(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the images, and their attributes, (N, F).

    The file has the number of images, the names of the attributes, and a line for each image with
    1 where an attribute is there and -1 where it is not.
    """
    with reading(path):
        count, header, *lines = path.read_text("ascii").splitlines()
        rows = [line.split() for line in lines]
        labels_NF = np.array([row[1:] for row in rows], dtype=np.int64)
    if tuple(header.split()) != ATTRIBUTES:
        raise DataError(f"'{path}' should name the {len(ATTRIBUTES)} attributes in its second line")
    check_shape("the table", path, labels_NF.shape, (int(count), len(ATTRIBUTES)))
    if (abs(labels_NF) != 1).any():
        raise DataError(f"'{path}' should have no values but 1 and -1")
    return [row[0] for row in rows], (labels_NF + 1) // 2


def _read_partition(path: Path, names: list[str]) -> NDArray[np.int64]:
    """Return the part that each of ``names`` belongs to, (N,)."""
    with reading(path):
        rows = [line.split() for line in path.read_text("ascii").splitlines()]
        parts_N = np.array([int(part) for _, part in rows], dtype=np.int64)
    if [row[0] for row in rows] != names:
        raise DataError(f"'{path}' should list the same images as {_LABELS.name}")
    return parts_N


def _stream(path: Path, names: list[str], shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Return the images of these names, cropped and made smaller, (H, W, C)."""
    _, height, width = shape
    with reading(path), zipfile.ZipFile(path) as archive:
        members = set(archive.namelist())
        for name in names:
            member = f"img_align_celeba/{name}"
            if member not in members:
                raise DataError(f"'{path}' should have an image {member}")
            with Image.open(io.BytesIO(archive.read(member))) as picture:
                check_shape(member, path, picture.size, _PUBLISHED_SIZE)
                yield np.asarray(_cropped(picture.convert("RGB"), (width, height)))


def _cropped(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the square at the centre, at ``size``, without aliasing."""
    left, top = ((whole - _CROP) // 2 for whole in picture.size)
    box = (left, top, left + _CROP, top + _CROP)
    return picture.resize(size, Image.Resampling.BILINEAR, box)


_TEST_IMAGES = 19_962

SOURCE = Source(
    name="celeba",
    folder="celeba",
    files=(_IMAGES, _LABELS, _PARTITION),
    images=202_599,
    shape=(3, _SIDE, _SIDE),
    factors=tuple(Factor(name, 2) for name in ATTRIBUTES),
    # Of the forty, the one that shows in all of the face and that people agree on.
    class_factor="Male",
    class_names=("not male", "male"),
    unpack=partial(unpack, test_images=_TEST_IMAGES),
    test_images=_TEST_IMAGES,
)
"""Sizes and digests are those of TensorFlow Datasets."""
