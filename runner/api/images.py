"""Images in any usual form → what a model sees, a batch at a time.

Shapes: N images, B images of a batch, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from runner.api.image_files import ArrayFile, read_array_file
from runner.config import OwnDatasetConfig, RunConfig
from runner.dataset import COUNTS, IMAGES
from runner.dataset.own.folder import find_images
from runner.dataset.own.pictures import SUFFIXES, Form, into_form, read
from runner.errors import DataError, UsageError
from runner.method import TrainedOn

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    OneImage = Image.Image | str | Path | ArrayLike | Tensor
    Images = OneImage | Sequence[OneImage]

_TOLERANCE = 1e-4
"""By which rounding may take a pixel out of the range from 0 to 1."""


@dataclass(frozen=True, eq=False)
class GivenImages:
    """Images that are read when their batch is asked for."""

    count: int
    batch: Callable[[slice], Tensor]
    """Returns images as a model sees them, (B, C, H, W), float32, on the CPU."""
    names: tuple[str, ...] | None = None
    """Of their files, where they are files."""
    file: ArrayFile | None = None
    """The file of arrays that they are in, which may have their factors."""


def given_images(images: Images, trained_on: TrainedOn, config: RunConfig) -> GivenImages:
    """Return images in the form that a model takes.

    Arrays must have its size; pictures and files of pictures are brought to it, as the run's own
    were (``dataset.fit``).

    Raises: UsageError for what are no images, or images of another shape; DataError for a file
        that is missing or not intact.
    """
    if isinstance(images, str | Path):
        return _from_path(Path(images).expanduser(), trained_on, config)
    if isinstance(images, Image.Image):
        return _pictures([images], trained_on, config)
    if isinstance(images, Sequence) and any(_is_picture(each) for each in images):
        return _pictures(list(images), trained_on, config)
    return _from_array(_as_array(images), trained_on)


def _is_picture(image: object) -> bool:
    return isinstance(image, Image.Image | str | Path)


def _from_path(path: Path, trained_on: TrainedOn, config: RunConfig) -> GivenImages:
    if path.is_dir():
        try:
            names = find_images(path)
        except DataError as error:  # in the words of dataset=folder
            raise DataError(error.message.removeprefix("dataset.path: "), error.hint) from error
        found = _pictures([path / name for name in names], trained_on, config)
        return GivenImages(found.count, found.batch, tuple(names))
    if path.suffix.lower() in (".npz", ".npy"):
        file = read_array_file(path)
        found = _from_array(file.images, trained_on, f"'{path}'")
        return GivenImages(found.count, found.batch, file=file)
    if not path.exists():
        raise DataError(f"'{path}' does not exist")
    if path.suffix.lower() not in SUFFIXES:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        hint = f"a folder, an .npz or .npy file, or a picture: {kinds}"
        raise UsageError(f"'{path}' is not a file of images", hint)
    return _pictures([path], trained_on, config)


def _pictures(images: Sequence[object], trained_on: TrainedOn, config: RunConfig) -> GivenImages:
    """Return pictures, which are brought into the form of the model."""
    if trained_on.kind is not IMAGES:
        raise UsageError(f"the model takes {trained_on.kind.name}, and not pictures")
    if kinds := [type(each).__name__ for each in images if not _is_picture(each)]:
        raise UsageError(f"a list of pictures has one that is none, of type {kinds[0]}")
    fit = getattr(config.dataset, "fit", "crop")
    form = Form(*trained_on.shape, fit if isinstance(config.dataset, OwnDatasetConfig) else "crop")

    def pixels(image: object) -> NDArray[np.uint8]:
        if isinstance(image, Image.Image):
            return into_form(image, form)
        return read(Path(str(image)).expanduser(), form)

    def batch(rows: slice) -> Tensor:
        stored_BCHW = np.stack([pixels(image) for image in images[rows]])
        return trained_on.kind.to_input(torch.from_numpy(stored_BCHW))

    named = all(isinstance(image, str | Path) for image in images)
    names = tuple(str(image) for image in images) if named else None
    return GivenImages(len(images), batch, names)


def _as_array(images: object) -> NDArray[Any]:
    if isinstance(images, Tensor):
        plain = images.detach().cpu()
        return (plain.float() if plain.is_floating_point() else plain).numpy()
    if isinstance(images, Sequence) and images and isinstance(images[0], Tensor):
        parts = [_as_array(part) for part in cast("Sequence[object]", images)]
        return np.stack(parts) if len({part.shape for part in parts}) == 1 else _ragged()
    try:
        found = np.asarray(cast("Any", images))
    except ValueError:
        _ragged()
    if found.dtype == object:
        _ragged()
    return found


def _ragged() -> NoReturn:
    raise UsageError(
        "the images are not one array of numbers",
        "all of one size, or PIL images and paths, which are brought to the model's size",
    )


def _from_array(
    array: NDArray[Any], trained_on: TrainedOn, name: str = "the images"
) -> GivenImages:
    stored_NCHW = _in_order(array, trained_on.shape)
    if stored_NCHW is None:
        raise _wrong_shape(array.shape, trained_on, name)
    if not (array.dtype == np.bool_ or np.issubdtype(array.dtype, np.number)):
        raise UsageError(f"{name} must be numbers, not {array.dtype}")
    if np.iscomplexobj(array):
        raise UsageError(f"{name} must be real numbers, not {array.dtype}")

    def batch(rows: slice) -> Tensor:
        values_BCHW = np.ascontiguousarray(stored_NCHW[rows])
        return torch.from_numpy(_as_inputs(values_BCHW, trained_on, name))

    return GivenImages(len(stored_NCHW), batch)


Arrange = Callable[[NDArray[Any]], NDArray[Any]]


def _in_order(array: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any] | None:
    """Return a view of an array as (N, C, H, W), or None where it has none; one image is N = 1."""
    channels, height, width = shape
    one, last, flat = (channels, height, width), (height, width, channels), (height, width)
    forms: dict[tuple[int, ...], Arrange] = {
        last: lambda many: many.transpose(0, 3, 1, 2),
        one: lambda many: many,
    }
    if channels == 1:
        forms[flat] = lambda many: many.reshape(-1, *one)
        if height == 1:  # a point in the plane
            forms[(width,)] = forms[flat]
    if array.shape[1:] in forms:
        return forms[array.shape[1:]](array)
    return forms[array.shape](array[None]) if array.shape in forms else None


def _wrong_shape(shape: Sequence[int], trained_on: TrainedOn, name: str) -> UsageError:
    channels, height, width = trained_on.shape
    if trained_on.kind is not IMAGES:
        return UsageError(
            f"{name} have the shape {tuple(shape)}, and {trained_on.kind.examples} are (N, {width})"
        )
    forms = [f"(N, {height}, {width}, {channels})", f"(N, {channels}, {height}, {width})"]
    if channels == 1:
        forms.insert(0, f"(N, {height}, {width})")
    return UsageError(
        f"{name} have the shape {tuple(shape)}, and the model takes {' or '.join(forms)}",
        "PIL images and files of pictures are brought to the model's size",
    )


def _as_inputs(values_BCHW: NDArray[Any], trained_on: TrainedOn, name: str) -> NDArray[np.float32]:
    """Return pixels from 0 to 1, or points as they are, as float32.

    Raises: UsageError for values that are none.
    """
    is_float = np.issubdtype(values_BCHW.dtype, np.floating)
    if not values_BCHW.size:
        return values_BCHW.astype(np.float32)
    low, high = float(values_BCHW.min()), float(values_BCHW.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UsageError(f"{name} have values that are not finite numbers")
    if trained_on.kind is COUNTS and low < 0:
        raise UsageError(f"{name} have values below zero, and counts are 0 or more")
    if trained_on.kind is not IMAGES:
        return values_BCHW.astype(np.float32)
    if values_BCHW.dtype == np.bool_:
        return values_BCHW.astype(np.float32)
    most = 1 + _TOLERANCE if is_float else 255
    if low < (-_TOLERANCE if is_float else 0) or high > most:
        kind = f"{name} of {values_BCHW.dtype} have values from {low:g} to {high:g}"
        raise UsageError(kind, "pixels are floats from 0 to 1, or whole numbers from 0 to 255")
    inputs = values_BCHW.astype(np.float32)
    return inputs.clip(0, 1) if is_float else inputs / np.float32(255)
