"""Files of arrays: ``.npy``, and ``.npz`` with the factors of the images beside them.

Shapes: N images, F factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.dataset.archive.guarded_reading import reading
from runner.dataset.own.factors import FactorTable, table
from runner.errors import DataError
from runner.files import open_to_read

_IMAGES = "images"
_FACTORS = ("factors", "labels", "label", "y", "latents_classes")


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """Images of a file, and their factors where it has some."""

    images: NDArray[Any]
    factors: FactorTable | None
    class_factor: str | None


def read_array_file(path: Path) -> ArrayFile:
    """Return what a file of NumPy's holds; an ``.npy`` file is mapped, and not read at once.

    In an ``.npz`` file the images are the array ``images``, or the only one there is; ``factors``
    or ``labels`` beside it are their factors, with ``factor_names`` if it has them.

    Raises: DataError for a file that is missing or damaged, or without such an array.
    """
    with reading(path), open_to_read(path) as opened:
        if path.suffix.lower() == ".npy":
            return ArrayFile(np.load(path, mmap_mode="r", allow_pickle=False), None, None)
        found = np.load(opened, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return ArrayFile(found, None, None)
        arrays = {name: np.asarray(found[name]) for name in found.files}
    beside = next((name for name in _FACTORS if name in arrays), None)
    others = [name for name in arrays if name not in (*_FACTORS, "factor_names", "class_factor")]
    name = _IMAGES if _IMAGES in arrays else others[0] if len(others) == 1 else None
    if name is None:
        there = ", ".join(arrays) or "no array"
        raise DataError(f"'{path}' has no array '{_IMAGES}': it has {there}")
    images = arrays[name]
    if beside is None or images.ndim == 0:
        return ArrayFile(images, None, None)
    factors = _factors(arrays, beside, len(images), path)
    wanted = str(arrays["class_factor"]) if "class_factor" in arrays else None
    return ArrayFile(images, factors, wanted if wanted in factors.names else None)


def _factors(arrays: Mapping[str, NDArray[Any]], name: str, images: int, path: Path) -> FactorTable:
    values = arrays[name]
    if values.ndim not in (1, 2) or len(values) != images:
        raise DataError(f"'{name}' of '{path}' has the shape {values.shape}, for {images:,} images")
    columns_NF = values.reshape(images, -1)
    count = columns_NF.shape[1]
    names = ["label"] if values.ndim == 1 else [f"factor_{f}" for f in range(count)]
    if "factor_names" in arrays:
        names = [str(each) for each in arrays["factor_names"].reshape(-1)]
    if len(set(names)) != count:
        raise DataError(f"'factor_names' of '{path}' should have {count} different names")
    return table({n: columns_NF[:, f].tolist() for f, n in enumerate(names)}, images, None)
