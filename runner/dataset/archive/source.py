"""What a published dataset is made of: files somewhere, and the array of images in them.

Shapes: N images, C H W image, F factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.dataset.splits import Factor

Advance = Callable[[int], None]
"""Told how many further images, or bytes, are done."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file."""

    name: str
    """In the dataset's own folder."""
    url: str
    size: int | None
    """Bytes, where they are known."""
    digest: str | None
    """``sha256:…`` or ``md5:…``, where one was published."""


@dataclass(frozen=True)
class Source:
    """A published dataset."""

    name: str
    folder: str
    """Of its files in ``data_dir``."""
    files: tuple[RemoteFile, ...]
    images: int
    shape: tuple[int, int, int]
    """C, H, W as the program uses them."""
    factors: tuple[Factor, ...]
    class_factor: str
    class_names: tuple[str, ...]
    unpack: Callable[[Path, NDArray[np.uint8], Advance], NDArray[np.int64] | None]
    """(folder, images_NCHW to be filled, advance) → factors_NF, or None for a full factor grid
    whose images come in order, the last factor fastest. Needs little memory: images may be a file.
    """
    test_images: int = 0
    """How many images, at the end, are held out; with 0 all of them train and all are judged."""
    beside: tuple[RemoteFile, ...] = ()
    """Further files in the folder, which are not unpacked but read at every start."""
