"""``dataset=npz`` and ``dataset=hdf5``: images that are an array of a file.

Shapes: N images, B images of a chunk, C H W image, F factors.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import h5py
import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from runner import progress
from runner.config import ArraysConfig, DatasetConfig
from runner.dataset.archive.guarded_reading import reading
from runner.dataset.own.cache import Plan, prepared, reordered, split_order
from runner.dataset.own.factors import FactorTable, table
from runner.dataset.own.pictures import Form, into_form
from runner.dataset.splits import Dataset
from runner.errors import DataError, nearest

_CHUNK_BYTES = 2**24
_CHANNELS = (1, 3, 4)
"""Grey, RGB, and RGB with transparency, which is laid over black."""

_USUAL_FACTORS = ("factors", "labels", "label", "y", "latents_classes")
_FACTOR_NAMES = "factor_names"


class _Arrays(Protocol):
    """The arrays of an open file."""

    shapes: Mapping[str, tuple[int, ...]]

    def chunks(self, name: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield an array in pieces of so many rows."""
        ...


class _Npz:
    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        self.shapes: Mapping[str, tuple[int, ...]] = {}
        self._types: dict[str, np.dtype[Any]] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for member in self._archive.namelist():
            if member.endswith(".npy"):
                name = member.removesuffix(".npy")
                with self._archive.open(member) as stream:
                    shapes[name], _, self._types[name] = _header(stream)
        self.shapes = shapes

    def __enter__(self) -> _Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def chunks(self, name: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield an array in pieces of so many rows, without unpickling anything."""
        with self._archive.open(f"{name}.npy") as stream:
            shape, is_fortran, dtype = _header(stream)
            if dtype.hasobject:
                raise ValueError(f"'{name}' holds Python objects")
            if is_fortran:  # its first rows are spread over the whole file
                whole = np.frombuffer(stream.read(), dtype).reshape(shape, order="F")
                yield from (whole[n : n + rows] for n in range(0, len(whole), rows))
                return
            row = math.prod(shape[1:])
            for first in range(0, shape[0], rows):
                count = min(rows, shape[0] - first)
                data = stream.read(count * row * dtype.itemsize)
                yield np.frombuffer(data, dtype).reshape(count, *shape[1:])
            stream.read()  # past the last row, where the checksum is compared


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else (
        npy.read_array_header_2_0
    )  # fmt: skip
    return read(stream)


class _Hdf5:
    def __init__(self, path: Path) -> None:
        self._file = h5py.File(path, "r")
        shapes: dict[str, tuple[int, ...]] = {}

        def note(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                shapes[name] = tuple(item.shape)

        self._file.visititems(note)
        self.shapes: Mapping[str, tuple[int, ...]] = shapes

    def __enter__(self) -> _Hdf5:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def chunks(self, name: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield an array in pieces of so many rows."""
        stored = self._file[name]
        if not isinstance(stored, h5py.Dataset):
            raise TypeError(f"'{name}' is not an array")
        for first in range(0, stored.shape[0], rows):
            yield np.asarray(stored[first : first + rows])


def _open(kind: str, path: Path) -> AbstractContextManager[_Arrays]:
    return _Npz(path) if kind == "npz" else _Hdf5(path)


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the images of the file ``config.path``, read once and from the cache thereafter.

    Raises:
        UsageError: the settings do not fit what is in the file.
        DataError: it is missing or corrupt, or lacks an array.
    """
    if not isinstance(config, ArraysConfig):
        raise TypeError(f"{config.name} needs its own settings")
    path = Path(str(config.path)).expanduser()
    with reading(path):
        if not path.is_file():
            raise FileNotFoundError
        status = path.stat()
    source = {"file": (path.name, status.st_size, status.st_mtime_ns)}
    return prepared(config, source, lambda: _plan(config, path), data_dir, device)


@dataclass(frozen=True)
class _Layout:
    """How the images lie in their array."""

    images: int
    channels: int
    height: int
    width: int
    last: bool
    """Whether the channels are the last axis."""

    @property
    def plain(self) -> tuple[int, int, int]:
        """C, H, W of the stored images."""
        return self.channels, self.height, self.width


def _plan(config: ArraysConfig, path: Path) -> Plan:
    with reading(path), _open(config.name, path) as arrays:
        layout = _layout(arrays, config.images, path)
        columns = _columns(arrays, config, path, layout.images)
    size = (config.size, config.size) if config.size else (layout.height, layout.width)
    form = Form(config.channels or (1 if layout.channels == 1 else 3), *size, config.fit)
    known = table(columns, layout.images, config.bins) if columns else FactorTable.none(
        layout.images
    )  # fmt: skip
    order_N, test = split_order(layout.images, config.test_share, config.test_seed)
    with reading(path), _open(config.name, path) as arrays:
        scale = _scale(arrays, config.images, path)
    return Plan(
        shape=form.shape,
        factors=reordered(known, order_N),
        test_images=test,
        fill=lambda images_NCHW: _fill(images_NCHW, config, path, (layout, scale, form), order_N),
    )


def _layout(arrays: _Arrays, name: str, path: Path) -> _Layout:
    if name not in arrays.shapes:
        found = ", ".join(arrays.shapes) or "no array"
        hint = nearest(name, arrays.shapes) or "dataset.images=NAME says which it is"
        raise DataError(f"'{path}' has no array '{name}': it has {found}", hint)
    shape = arrays.shapes[name]
    if shape and math.prod(shape) == 0:
        raise DataError(f"'{name}' of '{path}' is empty: it has the shape {shape}")
    if len(shape) == 3:
        return _Layout(shape[0], 1, shape[1], shape[2], last=False)
    if len(shape) == 4 and shape[3] in _CHANNELS:
        return _Layout(shape[0], shape[3], shape[1], shape[2], last=True)
    if len(shape) == 4 and shape[1] in _CHANNELS:
        return _Layout(*shape, last=False)
    raise DataError(
        f"'{name}' of '{path}' has the shape {shape}",
        "images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels",
    )


def _columns(
    arrays: _Arrays, config: ArraysConfig, path: Path, images: int
) -> dict[str, list[object]]:
    """Return the columns of the array of factors, by their names."""
    name = config.factors
    if name == "auto":
        name = next((usual for usual in _USUAL_FACTORS if usual in arrays.shapes), None)
    if name is None:
        return {}
    if name not in arrays.shapes:
        hint = nearest(name, arrays.shapes) or f"it has {', '.join(arrays.shapes)}"
        raise DataError(f"'{path}' has no array '{name}' of factors", hint)
    shape = arrays.shapes[name]
    if len(shape) not in (1, 2) or shape[0] != images:
        raise DataError(f"'{name}' of '{path}' has the shape {shape}, for {images:,} images")
    values_NF = _whole(arrays, name).reshape(images, -1)
    names = _names(arrays, values_NF.shape[1], single="label" if len(shape) == 1 else None)
    return {factor: _plain(values_NF[:, f]) for f, factor in enumerate(names)}


def _names(arrays: _Arrays, count: int, single: str | None) -> list[str]:
    if _FACTOR_NAMES in arrays.shapes:
        found = [str(name) for name in _plain(_whole(arrays, _FACTOR_NAMES).reshape(-1))]
        if len(found) != count or len(set(found)) != count:
            raise DataError(f"'{_FACTOR_NAMES}' should have {count} different names, not {found}")
        return found
    return [single] if single else [f"factor_{f}" for f in range(count)]


def _whole(arrays: _Arrays, name: str) -> NDArray[Any]:
    return np.concatenate(list(arrays.chunks(name, 2**16)))


def _plain(values_N: NDArray[Any]) -> list[object]:
    """Return the values of an array as Python has them; texts are decoded."""
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values_N.tolist()]


def _fill(
    images_NCHW: NDArray[np.uint8],
    config: ArraysConfig,
    path: Path,
    how: tuple[_Layout, float, Form],
    order_N: NDArray[np.int64],
) -> None:
    layout, scale, form = how
    progress.say(f"reading the images of '{path}', once")
    place_N = np.argsort(order_N)
    rows = _rows((0, *layout.plain))
    first = 0
    with reading(path), _open(config.name, path) as arrays:
        for chunk in arrays.chunks(config.images, rows):
            pixels = _scaled(chunk, scale)
            if pixels.ndim == 3:
                pixels = pixels[..., None]
            elif not layout.last:
                pixels = pixels.transpose(0, 2, 3, 1)
            images = np.stack([_formed(image_HWC, form) for image_HWC in pixels])
            images_NCHW[place_N[first : first + len(images)]] = images
            first += len(images)


def _formed(image_HWC: NDArray[np.uint8], form: Form) -> NDArray[np.uint8]:
    if image_HWC.shape == (form.height, form.width, form.channels):
        return np.ascontiguousarray(image_HWC.transpose(2, 0, 1))
    grey = image_HWC.shape[2] == 1
    return into_form(Image.fromarray(image_HWC[..., 0] if grey else image_HWC), form)


def _scale(arrays: _Arrays, name: str, path: Path) -> float:
    """Return what the pixels are multiplied with to be bytes, found from all of them.

    Raises: DataError when they are no pixels.
    """
    low, high, kind = np.inf, -np.inf, np.dtype(np.uint8)
    for chunk in arrays.chunks(name, _rows(arrays.shapes[name])):
        kind = chunk.dtype
        if not (kind == np.bool_ or (np.issubdtype(kind, np.number) and np.isrealobj(chunk))):
            raise DataError(f"'{name}' of '{path}' holds {kind}, not pixels")
        if chunk.size:
            # NumPy's, since Python's min and max pass over what is not a number.
            low, high = np.minimum(low, chunk.min()), np.maximum(high, chunk.max())
    if high <= 1 and low >= 0:  # truth values, whatever their type, and numbers from 0 to 1
        return 255.0
    if np.issubdtype(kind, np.integer) and low >= 0 and high <= 65535:
        return 1.0 if high <= 255 else 1 / 257
    raise DataError(  # what is not a number fails all comparisons and gets here, too
        f"'{name}' of '{path}' has values from {low:g} to {high:g}",
        "images are bytes, 16 bits without sign, or numbers from 0 to 1",
    )


def _rows(shape: tuple[int, ...]) -> int:
    return max(1, _CHUNK_BYTES // max(1, 8 * math.prod(shape[1:])))


def _scaled(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return values.astype(np.uint8)
    return (values.astype(np.float64) * scale).round().astype(np.uint8)
