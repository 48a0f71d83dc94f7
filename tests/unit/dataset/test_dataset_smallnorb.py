import gzip
import itertools
import math
import struct

import numpy as np
import pytest

from runner.dataset import smallnorb
from runner.dataset.smallnorb import PARTS, SOURCE, unpack
from runner.errors import DataError

GRID = (2, 3, 4, 2, 2)
"""Category, elevation, azimuth, lighting, instance."""
SIDE, SMALL = 6, 4
MAGIC = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}


def matrix(values):
    """Return a file of the dataset, written from the description beside it."""
    sizes = [*values.shape, 1, 1][: max(3, values.ndim)]
    header = struct.pack(f"<{2 + len(sizes)}i", MAGIC[values.dtype.name], values.ndim, *sizes)
    return gzip.compress(header + values.astype(values.dtype.newbyteorder("<")).tobytes())


def setting_image(cell):
    """Return a pair of flat images, the first as bright as its place on the grid."""
    place = np.ravel_multi_index(cell, GRID)
    return np.stack([np.full((SIDE, SIDE), place), np.full((SIDE, SIDE), 255)]).astype(np.uint8)


@pytest.fixture
def parts():
    """For each part, its shuffled cells; the second instance is in the testing part."""
    shuffle = np.random.default_rng(0).permutation
    cells = np.array(list(itertools.product(*map(range, GRID))))
    return {PARTS[0]: shuffle(cells[cells[:, 4] == 1]), PARTS[1]: shuffle(cells[cells[:, 4] == 0])}


def write(folder, parts, **replaced):
    for part, cells in parts.items():
        category, elevation, azimuth, lighting, instance = cells.T.astype(np.int32)
        values = {
            "dat": np.stack([setting_image(cell) for cell in cells]),
            "cat": category,
            "info": np.stack([instance, elevation, 2 * azimuth, lighting], axis=1),
        }
        for kind, array in (values | replaced).items():
            (folder / f"{part}-{kind}.mat.gz").write_bytes(matrix(array))


def unpacked(folder):
    images_NCHW = np.zeros((math.prod(GRID), 1, SMALL, SMALL), np.uint8)
    steps = []
    factors_NF = unpack(folder, images_NCHW, steps.append, grid=GRID, side=SIDE)
    return images_NCHW, factors_NF, steps


def test_images_and_factors_come_sorted_whatever_the_order_of_the_files(
    parts, tmp_path, monkeypatch
):
    monkeypatch.setattr(smallnorb, "_CHUNK", 20)
    write(tmp_path, parts)
    images_NCHW, factors_NF, steps = unpacked(tmp_path)
    expected = np.arange(96)[:, None, None, None] * np.ones((1, 1, SMALL, SMALL))
    np.testing.assert_array_equal(images_NCHW, expected)
    cells = np.array(list(itertools.product(*map(range, GRID))))
    np.testing.assert_array_equal(factors_NF, cells[:, :4])
    assert factors_NF.dtype == np.int64
    assert steps == [20, 20, 8, 20, 20, 8]


def test_making_an_image_smaller_keeps_left_from_right_and_up_from_down(parts, tmp_path):
    half = np.zeros((48, 2, SIDE, SIDE), np.uint8)
    half[:, 0, : SIDE // 2, : SIDE // 2] = 200
    write(tmp_path, parts, dat=half)
    corners = unpacked(tmp_path)[0][0, 0][[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    assert corners[0] > 180
    assert corners[1:].max() < 20


def test_a_setting_that_comes_twice_or_is_off_the_grid_is_refused(parts, tmp_path):
    parts[PARTS[0]][0] = parts[PARTS[0]][1]
    write(tmp_path, parts)
    with pytest.raises(DataError, match=r"should have one image for each of 96 settings$"):
        unpacked(tmp_path)
    write(tmp_path, parts, info=np.full((48, 4), 9, np.int32))
    with pytest.raises(DataError, match=r"info\.mat\.gz' is truncated or corrupt: invalid entry"):
        unpacked(tmp_path)


def test_matrices_of_another_kind_or_shape_are_refused(parts, tmp_path):
    write(tmp_path, parts, dat=np.zeros((48, 2, SIDE, SIDE), np.int32))
    with pytest.raises(
        DataError, match=r"dat\.mat\.gz' should start with 0x1e3d4c55, not 0x1e3d4c54"
    ):
        unpacked(tmp_path)
    write(tmp_path, parts, dat=np.zeros((47, 2, SIDE, SIDE), np.uint8))
    with pytest.raises(DataError, match=r"shape \(48, 2, 6, 6\), not \(47, 2, 6, 6\)"):
        unpacked(tmp_path)
    write(tmp_path, parts, info=np.zeros((48, 3), np.int32))
    with pytest.raises(DataError, match=r"shape \(48, 4\), not \(48, 3\)"):
        unpacked(tmp_path)
    write(tmp_path, parts, cat=np.zeros(40, np.int32))
    with pytest.raises(DataError, match=r"shape \(40, 4\), not \(48, 4\)"):
        unpacked(tmp_path)


@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_one_line(kind, share, parts, tmp_path):
    write(tmp_path, parts)
    path = tmp_path / f"{PARTS[1]}-{kind}.mat.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=rf"^'.*{kind}\.mat\.gz' is truncated or corrupt: [^\n]+$"):
        unpacked(tmp_path)


@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
def test_a_matrix_of_another_length_than_its_header_says_is_corrupt(kind, parts, tmp_path):
    write(tmp_path, parts)
    path = tmp_path / f"{PARTS[0]}-{kind}.mat.gz"
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:-3]))
    with pytest.raises(DataError, match=r"corrupt: it ends 3 bytes early$"):
        unpacked(tmp_path)
    path.write_bytes(gzip.compress(content + b"\0"))
    with pytest.raises(DataError, match=r"corrupt: it goes on after its last value$"):
        unpacked(tmp_path)


def test_a_missing_file_is_missing(parts, tmp_path):
    write(tmp_path, parts)
    (tmp_path / f"{PARTS[1]}-info.mat.gz").unlink()
    with pytest.raises(DataError, match=r"testing-info\.mat\.gz' is missing$"):
        unpacked(tmp_path)


def test_the_source_is_both_published_parts():
    assert SOURCE.images == 48_600
    assert SOURCE.unpack.keywords == {"grid": (5, 9, 18, 6, 10), "side": 96}
    assert {file.name for file in SOURCE.files} == {
        f"{part}-{kind}.mat.gz" for part in PARTS for kind in ("dat", "cat", "info")
    }
    assert [f.size for f in SOURCE.factors if f.name == SOURCE.class_factor] == [5]
