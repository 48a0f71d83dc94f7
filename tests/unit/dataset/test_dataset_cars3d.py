import io
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from runner.dataset.cars3d import SOURCE, unpack
from runner.errors import DataError

ELEVATIONS, AZIMUTHS, CARS, SIDE = 2, 3, 4, 5
NAMES = [f"car_{number:03d}_mesh" for number in (7, 1, 12, 3)]
"""In the order of the list, which is not that of the alphabet."""


def matlab(**arrays):
    stream = io.BytesIO()
    savemat(stream, arrays, do_compression=True)
    return stream.getvalue()


@pytest.fixture
def cars():
    """The `im` of every car, (2H, 2W, C, A, E)."""
    shape = (CARS, 2 * SIDE, 2 * SIDE, 3, AZIMUTHS, ELEVATIONS)
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)


@pytest.fixture
def content(cars):
    """The files of the archive; the list comes last and the cars by name."""
    files = {f"data/cars/{name}.mat": matlab(im=im) for name, im in zip(NAMES, cars, strict=True)}
    files |= {
        "data/shapes48.mat": b"another dataset",
        "data/cars/list.txt": "\n".join(NAMES).encode(),
    }
    return dict(sorted(files.items()))


def write(folder, content, prefix=""):
    with tarfile.open(folder / "nips2015-analogy-data.tar.gz", "w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def unpacked(folder):
    images_NCHW = np.zeros((ELEVATIONS * AZIMUTHS * CARS, 3, SIDE, SIDE), np.uint8)
    steps = []
    grid = (ELEVATIONS, AZIMUTHS, CARS)
    assert unpack(folder, images_NCHW, steps.append, grid=grid) is None
    return images_NCHW, steps


@pytest.mark.parametrize("prefix", ["", "./"])
def test_images_come_by_elevation_azimuth_and_car_at_half_the_size(prefix, cars, content, tmp_path):
    write(tmp_path, content, prefix)
    images_NCHW, steps = unpacked(tmp_path)
    grid_EAKCHW = images_NCHW.reshape(ELEVATIONS, AZIMUTHS, CARS, 3, SIDE, SIDE)
    blocks = cars.reshape(CARS, SIDE, 2, SIDE, 2, 3, AZIMUTHS, ELEVATIONS)
    means_KHWCAE = blocks.mean(axis=(2, 4))
    expected = means_KHWCAE.transpose(5, 4, 0, 3, 1, 2)
    assert np.abs(grid_EAKCHW - expected).max() <= 0.5
    assert steps == [ELEVATIONS * AZIMUTHS] * CARS


def test_a_missing_car_is_counted(content, tmp_path):
    del content[f"data/cars/{NAMES[2]}.mat"]
    write(tmp_path, content)
    with pytest.raises(DataError, match=r"should hold the images of 4 cars, and has 3$"):
        unpacked(tmp_path)


def test_a_list_that_is_missing_or_of_another_length_is_refused(content, tmp_path):
    write(tmp_path, content | {"data/cars/list.txt": b"car_001_mesh\n"})
    with pytest.raises(DataError, match=r"should list 4 cars, not 1$"):
        unpacked(tmp_path)
    del content["data/cars/list.txt"]
    write(tmp_path, content)
    with pytest.raises(DataError, match=r"should have a file data/cars/list\.txt$"):
        unpacked(tmp_path)


def test_a_car_of_another_shape_or_kind_is_refused(cars, content, tmp_path):
    name = f"data/cars/{NAMES[1]}.mat"
    write(tmp_path, content | {name: matlab(im=cars[1][:-2])})
    with pytest.raises(DataError, match=r"'im' of car 2 .*\(10, 10, 3, 3, 2\), not \(8, 10, 3"):
        unpacked(tmp_path)
    for arrays in ({"mask": cars[1]}, {"im": cars[1].astype(float)}):
        write(tmp_path, content | {name: matlab(**arrays)})
        with pytest.raises(DataError, match=r"has a car without an array 'im' of uint8$"):
            unpacked(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.98])
def test_a_truncated_archive_is_one_line(share, content, tmp_path):
    write(tmp_path, content)
    path = tmp_path / "nips2015-analogy-data.tar.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"^'.*\.tar\.gz' is truncated or corrupt: [^\n]+$"):
        unpacked(tmp_path)


@pytest.mark.parametrize("bytes_left", [0, 3, 100, 130, 200, 1000])
def test_a_truncated_matlab_file_is_one_line(bytes_left, content, tmp_path):
    name = f"data/cars/{NAMES[0]}.mat"
    write(tmp_path, content | {name: content[name][:bytes_left]})
    with pytest.raises(DataError, match=r"truncated or corrupt: [^\n]+$|without an array 'im'"):
        unpacked(tmp_path)


def test_a_missing_archive_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"\.tar\.gz' is missing$"):
        unpacked(tmp_path)


def test_the_source_is_the_published_grid():
    assert SOURCE.images == 17_568
    assert SOURCE.unpack.keywords == {"grid": tuple(factor.size for factor in SOURCE.factors)}
    assert [f.size for f in SOURCE.factors if f.name == SOURCE.class_factor] == [4]
    assert len(SOURCE.class_names) == 4
