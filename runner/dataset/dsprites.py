"""dSprites: white shapes on black; in colour; on noise; and on patches of a painting.

Shapes: N images, B images of a minibatch, C H W image, P Q corners of patches of the painting.

Source: dSprites is Matthey et al. 2017. The other three are those of Locatello et al. 2019,
"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations", who
sample colours, noise and patches each time an image is used. Here they are functions of its index,
so an image is the same at every use and on every device; and they are bytes, not reals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from runner.dataset.archive import archive as published
from runner.dataset.archive import checksums as files
from runner.dataset.archive.filling import fill
from runner.dataset.archive.guarded_reading import DAMAGE, reading
from runner.dataset.archive.npz import stream_member
from runner.dataset.archive.source import Advance, RemoteFile, Source
from runner.dataset.hash_noise import random_words
from runner.dataset.splits import Dataset, Split
from runner.dataset.sprites import FACTORS, SHAPES, SIDE
from runner.errors import DataError

_FILE = RemoteFile(
    name="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
    url="https://github.com/google-deepmind/dsprites-dataset/raw/master/"
    "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
    size=None,
    digest="md5:7da33b31b13a06f4b04a70402ce90c2e",
)
"""The digest is that of latte-metrics (Watcharasupat and Lerch 2021)."""

_PAINTING = RemoteFile(
    name="scream.jpg",
    url="https://upload.wikimedia.org/wikipedia/commons/f/f4/The_Scream.jpg",
    size=None,
    digest=None,
)
_PAINTING_SIZE = (350, 274)
"""Width and height that the painting is made to fit in."""

_COLOUR, _NOISE, _ROW, _COLUMN, _SHADE = range(5)
"""The purposes of random numbers, as streams of ``hash_noise``."""

Paint = Callable[[Tensor, Tensor], Tensor]
"""(sprites of 0 and 255, (B, 1, H, W); their indices, (B,)) → images, (B, 3, H, W)."""


def unpack(folder: Path, images_NCHW: NDArray[np.uint8], advance: Advance) -> None:
    """Fill ``images_NCHW`` with 0 and 255 from the archive's 0 and 1.

    Raises: DataError when the archive is missing or corrupt, or holds other images.
    """
    images, _, height, width = images_NCHW.shape
    fill(images_NCHW, _stream(folder / _FILE.name, (images, height, width)), advance)


def _stream(path: Path, shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Return the images as bytes 0 and 255, in chunks, (B, 1, H, W)."""
    for chunk_BHW in stream_member(path, "imgs", shape=shape):
        if chunk_BHW.max() > 1:
            raise DataError(f"'imgs' of '{path}' should be 0 and 1, and has {chunk_BHW.max()}")
        yield chunk_BHW[:, None] * 255


SOURCE = Source(
    name="dsprites",
    folder="dsprites",
    files=(_FILE,),
    images=math.prod(factor.size for factor in FACTORS),
    shape=(1, SIDE, SIDE),
    factors=FACTORS,
    class_factor="shape",
    class_names=SHAPES,
    unpack=unpack,
)
COLOR = replace(SOURCE, name="color_dsprites")
NOISY = replace(SOURCE, name="noisy_dsprites")
SCREAM = replace(SOURCE, name="scream_dsprites", beside=(_PAINTING,))


def load_color(source: Source, data_dir: str, device: torch.device) -> Dataset:
    """Return dSprites, each sprite in one colour whose red, green and blue are above one half."""
    return _painted(published.load(source, data_dir, device), color)


def load_noisy(source: Source, data_dir: str, device: torch.device) -> Dataset:
    """Return dSprites, white on noise that is uniform and independent in each pixel and channel."""
    return _painted(published.load(source, data_dir, device), noisy)


def load_scream(source: Source, data_dir: str, device: torch.device) -> Dataset:
    """Return dSprites as negatives on patches of Munch's painting, each in a shade of its own.

    Raises: DataError as the other loaders do, and when the painting is missing or no picture.
    """
    root = Path(data_dir).expanduser()
    painting = files.require(source, source.beside, root) / _PAINTING.name
    painting_CHW = read_painting(painting).to(device)
    return _painted(published.load(source, data_dir, device), partial(scream, painting_CHW))


def color(sprites_B1HW: Tensor, indices_B: Tensor) -> Tensor:
    """Return each sprite in a colour of its own; its channels are uniform over 128 ... 255."""
    color_BC = 128 + (random_words(indices_B, 3, stream=_COLOUR) >> 25)
    return sprites_B1HW & color_BC.to(torch.uint8)[:, :, None, None]


def noisy(sprites_B1HW: Tensor, indices_B: Tensor) -> Tensor:
    """Return the sprites, 255, on bytes that are uniform over 0 ... 255."""
    height, width = sprites_B1HW.shape[-2:]
    words_BM = random_words(indices_B, 3 * height * width // 4, stream=_NOISE)
    noise = torch.stack([(words_BM >> bits) & 255 for bits in (0, 8, 16, 24)], dim=-1)
    return sprites_B1HW | noise.to(torch.uint8).view(-1, 3, height, width)


def scream(painting_CHW: Tensor, sprites_B1HW: Tensor, indices_B: Tensor) -> Tensor:
    """Return patches of the painting, averaged with a random colour, inverted under the sprites.

    As in the source, no patch starts in the last possible row or column.
    """
    height, width = sprites_B1HW.shape[-2:]
    patches_CPQHW = painting_CHW.unfold(1, height, 1).unfold(2, width, 1)
    _, rows, columns, *_ = patches_CPQHW.shape
    row_B = _below(rows - 1, random_words(indices_B, 1, stream=_ROW))
    column_B = _below(columns - 1, random_words(indices_B, 1, stream=_COLUMN))
    patch_BCHW = patches_CPQHW[:, row_B, column_B].transpose(0, 1).to(torch.int16)
    shade_BC = (random_words(indices_B, 3, stream=_SHADE) >> 24).to(torch.int16)
    ground_BCHW = (patch_BCHW + shade_BC[:, :, None, None] + 1) // 2
    return ground_BCHW.to(torch.uint8) ^ sprites_B1HW  # 255 - v is v with all bits turned


def read_painting(path: Path, side: int = SIDE) -> Tensor:
    """Return the painting, made to fit in 350 x 274 pixels, bytes, (3, H, W).

    Raises: DataError when it is no picture, or is no larger than a patch in height or width.
    """
    # For other formats Pillow may start a program; and a small file may be a huge picture.
    damage = (*DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning)
    with reading(path, damage), Image.open(path, formats=("JPEG", "PNG")) as picture:
        picture.thumbnail(_PAINTING_SIZE, Image.Resampling.BICUBIC)
        pixels_HWC = np.array(picture.convert("RGB"))
    height, width, _ = pixels_HWC.shape
    if min(height, width) <= side:
        raise DataError(f"'{path}' has {width} x {height} pixels, too few for patches of {side}")
    return torch.from_numpy(pixels_HWC).permute(2, 0, 1).contiguous()


@dataclass(frozen=True, eq=False)
class PaintedSplit:
    """Sprites that are painted when they are indexed."""

    sprites: Split
    paint: Paint

    @property
    def size(self) -> int:
        """N, the number of images."""
        return self.sprites.size

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images of bytes, (B, 3, H, W)."""
        return self.paint(self.sprites.images(indices_B), indices_B)

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return shape, scale, orientation, x and y, (B, 5)."""
        return self.sprites.factors(indices_B)


def _painted(dataset: Dataset, paint: Paint) -> Dataset:
    split = PaintedSplit(dataset.train, paint)
    return replace(dataset, train=split, test=split, shape=(3, *dataset.shape[1:]))


def _below(limit: int, words_B1: Tensor) -> Tensor:
    """Return integers, uniform over 0 ... limit - 1, (B,)."""
    return (words_B1[:, 0] * limit) >> 32
