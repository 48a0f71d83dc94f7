"""dSprites from a small archive of its own form, and what is painted around the sprites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from runner.dataset import Dataset, Factor, dsprites
from runner.dataset.archive import archive as published
from runner.dataset.archive.source import Source
from runner.errors import DataError

CPU = torch.device("cpu")
FACTORS = (
    Factor("shape", 3),
    Factor("scale", 2),
    Factor("orientation", 2),
    Factor("x", 5),
    Factor("y", 5),
)
N, SIDE = 300, 64
EVERY = torch.arange(N)


@pytest.fixture(scope="module")
def sprites() -> np.ndarray:
    """Rectangles, 0 and 1, each of another place and size."""
    source = np.random.default_rng(0)
    sprites = np.zeros((N, SIDE, SIDE), np.uint8)
    for sprite in sprites:
        top, left, height, width = source.integers(5, 30, 4)
        sprite[top : top + height, left : left + width] = 1
    return sprites


@pytest.fixture
def root(tmp_path: Path, sprites: np.ndarray) -> Path:
    folder = tmp_path / "dsprites"
    folder.mkdir()
    classes = np.zeros((N, 6), np.int64)
    file = folder / dsprites.SOURCE.files[0].name
    np.savez_compressed(file, metadata=np.array({"a": 1}), imgs=sprites, latents_classes=classes)
    return tmp_path


def small(source: Source) -> Source:
    """The same dataset with as many images as the small archive has, whatever its digest."""
    files = tuple(replace(file, digest=None) for file in source.files)
    return replace(source, images=N, factors=FACTORS, files=files)


def test_the_archive_s_zeros_and_ones_become_black_and_white(root: Path, sprites: np.ndarray):
    told: list[int] = []
    source = small(dsprites.SOURCE)
    published.unpack(source, root, told.append)
    assert sum(told) == N
    dataset = published.load(source, str(root), CPU)
    assert dataset.shape == (1, 64, 64)
    assert torch.equal(dataset.train.images(EVERY)[:, 0], torch.from_numpy(sprites) * 255)
    assert dataset.train.factors(torch.tensor([N - 1])).tolist() == [[2, 1, 1, 4, 4]]
    assert dataset.class_names == ("square", "ellipse", "heart")


def test_the_published_grid_has_its_published_size():
    assert dsprites.SOURCE.images == 737_280
    assert [factor.size for factor in dsprites.SOURCE.factors] == [3, 6, 40, 32, 32]


def test_an_archive_with_other_values_is_refused(root: Path, sprites: np.ndarray):
    np.savez(root / "dsprites" / dsprites.SOURCE.files[0].name, imgs=sprites * 255)
    with pytest.raises(DataError, match="should be 0 and 1, and has 255"):
        published.load(small(dsprites.SOURCE), str(root), CPU)


def test_an_archive_of_other_images_is_refused(root: Path, sprites: np.ndarray):
    np.savez(root / "dsprites" / dsprites.SOURCE.files[0].name, imgs=sprites[:-1])
    with pytest.raises(DataError, match=r"shape \(300, 64, 64\), not \(299, 64, 64\)"):
        published.load(small(dsprites.SOURCE), str(root), CPU)


@pytest.fixture
def painting(root: Path) -> Tensor:
    """A painting of noise, written without loss where the published one is looked for."""
    pixels = np.random.default_rng(1).integers(0, 256, (67, 70, 3), np.uint8)
    path = root / "dsprites" / "scream.jpg"
    Image.fromarray(pixels).save(path, format="PNG")
    return torch.from_numpy(pixels).permute(2, 0, 1)


LOADS = {
    "color_dsprites": (dsprites.COLOR, dsprites.load_color),
    "noisy_dsprites": (dsprites.NOISY, dsprites.load_noisy),
    "scream_dsprites": (dsprites.SCREAM, dsprites.load_scream),
}


@pytest.fixture
def painted(root: Path, painting: Tensor) -> Callable[[str], Dataset]:
    def painted(name: str) -> Dataset:
        source, load = LOADS[name]
        return load(small(source), str(root), CPU)

    return painted


@pytest.mark.parametrize("name", LOADS)
def test_an_image_is_the_same_at_every_visit(painted: Callable[[str], Dataset], name: str):
    dataset = painted(name)
    assert (dataset.name, dataset.shape, dataset.train.size) == (name, (3, 64, 64), N)
    assert dataset.train is dataset.test
    indices_B = torch.tensor([7, 299, 7, 0])
    images_BCHW = dataset.train.images(indices_B)
    assert (images_BCHW.shape, images_BCHW.dtype) == ((4, 3, 64, 64), torch.uint8)
    assert torch.equal(images_BCHW[0], images_BCHW[2])
    assert torch.equal(images_BCHW[3], painted(name).train.images(EVERY)[0])
    assert dataset.train.factors(indices_B).tolist()[1] == [2, 1, 1, 4, 4]


def test_variants_are_unpacked_once_for_all(painted: Callable[[str], Dataset], root: Path):
    for name in LOADS:
        painted(name)
    assert len(list((root / "dsprites").glob("*.images.npy"))) == 1


def test_a_coloured_sprite_has_one_bright_colour_on_black(
    painted: Callable[[str], Dataset], sprites: np.ndarray
):
    images_NCHW = painted("color_dsprites").train.images(EVERY)
    inside_N1HW = torch.from_numpy(sprites)[:, None].bool()
    color_NC = images_NCHW.amax((2, 3))
    expected = color_NC[:, :, None, None] * inside_N1HW
    assert torch.equal(images_NCHW, expected)
    assert color_NC.min() >= 128
    assert color_NC.unique(dim=0).shape[0] == N  # no two of 300 alike, of 2 million colours
    spread = 128 / 12**0.5 / N**0.5
    assert (color_NC.double().mean(0) - 191.5).abs().max() < 5 * spread


def test_noise_is_uniform_and_the_sprite_white(
    painted: Callable[[str], Dataset], sprites: np.ndarray
):
    images_NCHW = painted("noisy_dsprites").train.images(EVERY)
    inside_NCHW = torch.from_numpy(sprites)[:, None].bool().expand(-1, 3, -1, -1)
    assert (images_NCHW[inside_NCHW] == 255).all()
    ground = images_NCHW[~inside_NCHW]
    counts = torch.bincount(ground.long(), minlength=256).double()
    expected = ground.numel() / 256
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert 150 < chi_squared < 380  # of 255 degrees of freedom: mean 255, deviation 23
    corner = images_NCHW[:, :, :4, :4].double()  # where no sprite reaches
    shifted = [(corner[:, 0], corner[:, 1]), (corner[..., 1:], corner[..., :-1])]
    for first, second in shifted:
        both = torch.stack([first.flatten(), second.flatten()])
        assert abs(torch.corrcoef(both)[0, 1]) < 5 / both.shape[1] ** 0.5


def test_the_ground_is_a_shaded_patch_of_the_painting_and_the_sprite_its_negative(
    painted: Callable[[str], Dataset], sprites: np.ndarray, painting: Tensor
):
    images_NCHW = painted("scream_dsprites").train.images(EVERY).long()
    inside_N1HW = torch.from_numpy(sprites)[:, None].bool()
    ground_NCHW = torch.where(inside_N1HW, 255 - images_NCHW, images_NCHW)
    corners, shades = [], []
    for ground_CHW in ground_NCHW:
        for row, column in np.ndindex(4, 7):
            patch_CHW = painting[:, row : row + SIDE, column : column + SIDE].long()
            # The mean of two bytes, rounded up: twice it is their sum, or one more.
            shade_CHW = 2 * ground_CHW - patch_CHW
            if (shade_CHW.amax((1, 2)) - shade_CHW.amin((1, 2)) <= 1).all():
                corners.append((row, column))
                shades.append(shade_CHW.amin((1, 2)))
    assert len(corners) == N  # each image is a patch, and of one place
    assert set(corners) == set(np.ndindex(3, 6))  # the last row and column are never taken
    shade_NC = torch.stack(shades).double()
    assert shade_NC.min() >= 0
    assert shade_NC.max() <= 255
    assert (shade_NC.mean(0) - 127.5).abs().max() < 5 * 256 / 12**0.5 / N**0.5


def test_the_painting_is_made_to_fit_and_read_in_colour(tmp_path: Path):
    path = tmp_path / "grey.png"
    Image.new("L", (700, 822), 77).save(path)
    painting_CHW = dsprites.read_painting(path)
    assert painting_CHW.shape == (3, 274, 233)
    assert painting_CHW.unique().tolist() == [77]


def test_without_the_painting_it_is_said_what_is_missing(root: Path):
    with pytest.raises(DataError) as caught:
        dsprites.load_scream(small(dsprites.SCREAM), str(root), CPU)
    assert caught.value.message == f"scream_dsprites is not in '{root}': scream.jpg is missing"
    assert "vaerun fetch scream_dsprites" in (caught.value.hint or "")


@pytest.mark.parametrize(("width", "height"), [(64, 200), (200, 64)])
def test_a_picture_that_is_too_small_is_refused(tmp_path: Path, width: int, height: int):
    path = tmp_path / "small.png"
    Image.new("RGB", (width, height)).save(path)
    with pytest.raises(DataError, match=rf"has {width} x {height} pixels, too few"):
        dsprites.read_painting(path)


def test_what_is_no_picture_is_refused(tmp_path: Path):
    (tmp_path / "scream.jpg").write_text("<html>")
    with pytest.raises(DataError, match="is truncated or corrupt"):
        dsprites.read_painting(tmp_path / "scream.jpg")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_paints_what_the_cpu_paints():
    sprites = (torch.rand(20, 1, 64, 64) < 0.3).to(torch.uint8) * 255
    painting = torch.randint(256, (3, 90, 80), dtype=torch.uint8)
    indices_B = torch.arange(737_260, 737_280)
    cuda = torch.device("cuda")
    for paint in (dsprites.color, dsprites.noisy, partial(dsprites.scream, painting)):
        on_gpu = (
            partial(dsprites.scream, painting.to(cuda)) if isinstance(paint, partial) else paint
        )
        found = on_gpu(sprites.to(cuda), indices_B.to(cuda))
        assert torch.equal(found.cpu(), paint(sprites, indices_B))


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\n", b"GIF89a", b"\0" * 100]
)
def test_a_painting_of_another_format_is_not_opened(tmp_path, content: bytes):
    """To read PostScript, Pillow would start a program."""
    (tmp_path / "scream.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"scream\.jpg' is truncated or corrupt"):
        dsprites.read_painting(tmp_path / "scream.jpg")


def test_a_painting_of_more_pixels_than_a_file_should_unpack_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 1000)
    Image.new("RGB", (400, 400)).save(tmp_path / "scream.jpg", format="PNG")
    with pytest.raises(DataError, match=r"scream\.jpg' is truncated or corrupt: Image size"):
        dsprites.read_painting(tmp_path / "scream.jpg")
