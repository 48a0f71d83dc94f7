"""One picture of any size and mode → an image of bytes of one size.

Shapes: C channels (1 grey, 3 RGB), H W image.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from runner.errors import DataError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"}
)
"""Endings of the names of files that are taken for images."""

_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error,
    zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
"""The exceptions that Pillow's readers raise for damaged files."""

_BITS_16 = {"I;16", "I;16B", "I;16L", "I;16N"}
_GREY = {"1", "L", "LA", "La", "I", "F", *_BITS_16}


@dataclass(frozen=True)
class Form:
    """What all images become."""

    channels: int
    height: int
    width: int
    fit: str
    """``crop``: the largest part of the right proportions in the middle; ``pad``: the whole image
    between black margins; ``stretch``: the whole image, its proportions changed."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W."""
        return self.channels, self.height, self.width


@dataclass(frozen=True)
class Look:
    """What an image is like before it is brought into form."""

    height: int
    width: int
    is_grey: bool


def look(path: Path) -> Look:
    """Return the size of an image, and whether it is grey, from its header alone.

    Raises: DataError when it is not an image.
    """
    with _intact(path), Image.open(path) as picture:
        turned = picture.getexif().get(0x0112, 1) in {5, 6, 7, 8}  # a camera held on its side
        width, height = picture.size[::-1] if turned else picture.size
        return Look(height, width, _is_grey(picture))


def read(path: Path, form: Form) -> NDArray[np.uint8]:
    """Return an image in the form of all, (C, H, W).

    Transparency is laid over black; of an animation the first frame is taken; 16 bits become 8.

    Raises: DataError when the file is not an intact image.
    """
    with _intact(path), Image.open(path) as picture:
        picture.load()
        return into_form(ImageOps.exif_transpose(picture), form)


def into_form(picture: Image.Image, form: Form) -> NDArray[np.uint8]:
    """Return a picture in the form of all, (C, H, W)."""
    plain = _without_alpha(_eight_bits(picture)).convert("L" if form.channels == 1 else "RGB")
    fitted = _fit(plain, form)
    pixels = np.asarray(fitted, dtype=np.uint8)
    return pixels[None] if form.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _fit(picture: Image.Image, form: Form) -> Image.Image:
    size = (form.width, form.height)
    if picture.size == size:
        return picture
    if form.fit == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.BICUBIC)
    if form.fit == "pad":
        return ImageOps.pad(picture, size, Image.Resampling.BICUBIC, color=0)
    return picture.resize(size, Image.Resampling.BICUBIC)


@contextmanager
def _intact(path: Path) -> Generator[None]:
    """Turn what Pillow raises for a file that it cannot read into one line."""
    try:
        yield
    except _DAMAGE as error:
        raise DataError(f"'{path}' is not an intact image ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "of no known format"
    return str(error).partition("\n")[0] or type(error).__name__


def _is_grey(picture: Image.Image) -> bool:
    if picture.mode in {"P", "PA"}:
        palette = np.asarray(picture.convert("RGB").getpalette() or picture.getpalette() or [0] * 3)
        colours = palette.reshape(-1, 3)
        return bool((colours == colours[:, :1]).all())
    return picture.mode in _GREY


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 or 32 bits per pixel with 8, scaled by what 16 bits can hold."""
    if picture.mode in _BITS_16 or picture.mode == "I":
        values = np.asarray(picture).astype(np.float64)
        # Mode I holds 16-bit files too; values beyond 16 bits are cut.
        return Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8))
    if picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0, neginf=0)
        scale = 255 if values.max(initial=0) <= 1 else 1
        return Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8))
    return picture


def _without_alpha(picture: Image.Image) -> Image.Image:
    if picture.mode in {"LA", "La", "RGBA", "RGBa", "PA"} or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        black = Image.new("RGBA", coloured.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, coloured).convert("RGB")
    return picture
