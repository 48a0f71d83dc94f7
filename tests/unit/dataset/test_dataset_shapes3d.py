import re

import h5py
import numpy as np
import pytest

from runner.dataset import shapes3d
from runner.dataset.shapes3d import SOURCE, unpack
from runner.errors import DataError

GRID = (2, 3, 4)
VALUES = ([0.0, 0.1], [0.75, 1.0, 1.25], [-30.0, -10.0, 10.0, 30.0])


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(24, 6, 5, 3), dtype=np.uint8)


@pytest.fixture
def labels():
    return np.stack([axis.flatten() for axis in np.meshgrid(*VALUES, indexing="ij")], axis=1)


def write(folder, images, labels, **layout):
    with h5py.File(folder / "3dshapes.h5", "w") as file:
        file.create_dataset("images", data=images, **layout)
        file.create_dataset("labels", data=labels)


def unpacked(folder, shape=(24, 3, 6, 5)):
    images_NCHW = np.zeros(shape, np.uint8)
    steps = []
    assert unpack(folder, images_NCHW, steps.append, grid=GRID) is None
    return images_NCHW, steps


@pytest.mark.parametrize(
    ("layout", "steps"),
    [
        ({}, [7, 7, 7, 3]),
        ({"chunks": (4, 6, 5, 3), "compression": "gzip"}, [8, 8, 8]),
        ({"chunks": (10, 2, 5, 1), "compression": "gzip"}, [10, 10, 4]),
    ],
)
def test_images_come_in_order_in_whole_blocks(layout, steps, images, labels, tmp_path, monkeypatch):
    monkeypatch.setattr(shapes3d, "_CHUNK", 7)
    write(tmp_path, images, labels, **layout)
    images_NCHW, seen = unpacked(tmp_path)
    np.testing.assert_array_equal(images_NCHW, np.moveaxis(images, 3, 1))
    assert seen == steps


@pytest.mark.parametrize("rows", [[1, 0], [4, 8], [0, 23]])
def test_labels_in_another_order_are_refused(rows, images, labels, tmp_path):
    labels[rows] = labels[rows[::-1]]
    write(tmp_path, images, labels)
    with pytest.raises(DataError, match=r"should ascend in the order \(2, 3, 4\)"):
        unpacked(tmp_path)


def test_a_factor_with_a_repeated_value_is_refused(images, labels, tmp_path):
    labels[labels[:, 1] == 1.0, 1] = 0.75
    write(tmp_path, images, labels)
    with pytest.raises(DataError, match="should ascend"):
        unpacked(tmp_path)


def test_labels_that_are_no_numbers_are_refused(images, labels, tmp_path):
    labels[5, 2] = np.nan
    write(tmp_path, images, labels)
    with pytest.raises(DataError, match="should ascend"):
        unpacked(tmp_path)


def test_other_shapes_types_and_names_are_refused(images, labels, tmp_path):
    write(tmp_path, images[:-1], labels)
    message = "'images' of '{}' should have the shape (24, 6, 5, 3), not (23, 6, 5, 3)"
    with pytest.raises(DataError, match=re.escape(message.format(tmp_path / "3dshapes.h5"))):
        unpacked(tmp_path)
    write(tmp_path, images.astype(np.float32), labels)
    with pytest.raises(DataError, match="should be uint8, not float32"):
        unpacked(tmp_path)
    write(tmp_path, images, labels[:, :2])
    with pytest.raises(DataError, match=r"'labels' of .* shape \(24, 3\), not \(24, 2\)"):
        unpacked(tmp_path)
    with h5py.File(tmp_path / "3dshapes.h5", "w") as file:
        file.create_group("images")
    with pytest.raises(DataError, match="should have an array 'images', and has images"):
        unpacked(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_file_is_one_line(share, images, labels, tmp_path):
    write(tmp_path, images, labels, chunks=(4, 6, 5, 3), compression="gzip")
    path = tmp_path / "3dshapes.h5"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"^'.*3dshapes\.h5' is truncated or corrupt: [^\n]+$"):
        unpacked(tmp_path)


def test_a_damaged_block_is_one_line(images, labels, tmp_path):
    write(tmp_path, images, labels, chunks=(24, 6, 5, 3), compression="gzip", fletcher32=True)
    path = tmp_path / "3dshapes.h5"
    with h5py.File(path) as file:
        start = file["images"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[start + 500] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="is truncated or corrupt: "):
        unpacked(tmp_path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"3dshapes\.h5' is missing$"):
        unpacked(tmp_path)


def test_the_source_is_the_published_grid():
    assert SOURCE.images == 480_000
    assert SOURCE.unpack.keywords == {"grid": (10, 10, 10, 8, 4, 15)}
    assert [f.size for f in SOURCE.factors if f.name == SOURCE.class_factor] == [4]
