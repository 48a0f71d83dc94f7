"""A published dataset: its files on a server, and how they are unpacked.

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
"""Called with the number of further images, or bytes, that are done."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file."""

    name: str
    """File name in the dataset's folder."""
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
    """Name of its folder in ``data_dir``."""
    files: tuple[RemoteFile, ...]
    images: int
    shape: tuple[int, int, int]
    """C, H, W as the program uses them."""
    factors: tuple[Factor, ...]
    class_factor: str
    class_names: tuple[str, ...]
    unpack: Callable[[Path, NDArray[np.uint8], Advance], NDArray[np.int64] | None]
    """(folder, images_NCHW to be filled, advance) → factors_NF, or None for a full factor grid
    whose images come in order, the last factor fastest. It uses little memory, since
    ``images_NCHW`` may be a mapped file.
    """
    test_images: int = 0
    """Images at the end that are the test split; with 0 both splits are all images."""
    beside: tuple[RemoteFile, ...] = ()
    """Further files in the folder, which are not unpacked but read each time."""
