import math
from functools import partial

import numpy as np
import pytest

from runner.dataset import mpi3d
from runner.dataset.archive import npz
from runner.dataset.mpi3d import SOURCES, unpack
from runner.errors import DataError


def test_images_come_in_the_order_of_the_archive_with_channels_first(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "_CHUNK_BYTES", 4 * 6 * 5 * 3)
    images_NHWC = np.random.default_rng(0).integers(256, size=(10, 6, 5, 3), dtype=np.uint8)
    np.savez(tmp_path / "toy.npz", images=images_NHWC)
    images_NCHW = np.zeros((10, 3, 6, 5), np.uint8)
    steps = []
    assert unpack(tmp_path, images_NCHW, steps.append, file_name="toy.npz") is None
    np.testing.assert_array_equal(images_NCHW, np.moveaxis(images_NHWC, 3, 1))
    assert steps == [4, 4, 2]


def test_an_archive_of_other_images_is_refused(tmp_path):
    np.savez(tmp_path / "toy.npz", images=np.zeros((9, 6, 5, 3), np.uint8))
    images_NCHW = np.zeros((10, 3, 6, 5), np.uint8)
    with pytest.raises(DataError, match=r"shape \(10, 6, 5, 3\), not \(9, 6, 5, 3\)"):
        unpack(tmp_path, images_NCHW, lambda _: None, file_name="toy.npz")


@pytest.mark.parametrize(
    ("name", "images", "objects"),
    [
        ("mpi3d_toy", 1_036_800, mpi3d.OBJECTS),
        ("mpi3d_realistic", 1_036_800, mpi3d.OBJECTS),
        ("mpi3d_real", 1_036_800, mpi3d.OBJECTS),
        ("mpi3d_complex", 460_800, mpi3d.COMPLEX_OBJECTS),
    ],
)
def test_sources_are_whole_grids(name, images, objects):
    source = SOURCES[name]
    assert source.name == name
    assert source.images == math.prod(factor.size for factor in source.factors) == images
    assert [factor.size for factor in source.factors if factor.name == source.class_factor] == [
        len(objects)
    ]
    assert source.class_names == objects
    assert isinstance(source.unpack, partial)
    assert source.unpack.keywords == {"file_name": source.files[0].name}
    assert len(SOURCES) == 4
