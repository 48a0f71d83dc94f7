"""A published dataset is unpacked once, whole or not at all, and loaded as it was published."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from runner.dataset import Factor, Source
from runner.dataset.archive.archive import factors_file, images_file, load, unpack
from runner.dataset.archive.source import RemoteFile
from runner.errors import DataError

CPU = torch.device("cpu")
GRID = (Factor("shape", 2), Factor("x", 3))
IMAGES = (np.arange(6)[:, None, None, None] * 10 + np.arange(4).reshape(1, 1, 2, 2)).astype(
    np.uint8
)


def fill(folder, images_NCHW, advance):
    """Return nothing: the images are a grid."""
    assert (folder / "tiny.bin").read_bytes() == b"tiny"
    for n, image in enumerate(IMAGES):
        images_NCHW[n] = image
        advance(1)


def tiny(unpacks: Callable = fill, **changes: object) -> Source:
    file = RemoteFile("tiny.bin", "http://127.0.0.1/", 4, None)
    source = Source(
        name="tiny",
        folder="own",
        files=(file,),
        images=6,
        shape=(1, 2, 2),
        factors=GRID,
        class_factor="shape",
        class_names=("round", "square"),
        unpack=unpacks,
    )
    return replace(source, **changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tiny.bin").write_bytes(b"tiny")
    return tmp_path


def names(root: Path) -> set[str]:
    return {path.name for path in (root / "own").iterdir()}


def test_a_grid_is_loaded_with_the_factors_of_its_order(root: Path):
    dataset = load(tiny(), str(root), CPU)
    assert (dataset.name, dataset.shape, dataset.has_test_split) == ("tiny", (1, 2, 2), False)
    assert (dataset.factors, dataset.class_factor) == (GRID, "shape")
    assert dataset.train is dataset.test
    assert dataset.held_out_combinations is None
    every = torch.arange(6)
    assert torch.equal(dataset.train.images(every), torch.from_numpy(IMAGES))
    factors = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert dataset.train.factors(every).tolist() == factors
    assert dataset.train.factors(every).dtype == torch.int64


def test_unpacking_is_said_and_done_once_and_the_files_may_go(root: Path, capsys):
    calls = []

    def count(folder, images_NCHW, advance):
        calls.append(folder)
        fill(folder, images_NCHW, advance)

    source = tiny(count)
    load(source, str(root), CPU)
    path = images_file(source, root)
    assert capsys.readouterr().err == f"unpacking tiny once, into '{path}'\n"
    (root / "own" / "tiny.bin").unlink()
    dataset = load(source, str(root), CPU)
    assert calls == [root / "own"]
    assert capsys.readouterr().err == ""
    assert torch.equal(dataset.train.images(torch.tensor([4]))[0], torch.from_numpy(IMAGES[4]))


def test_files_beside_the_own_folder_are_unpacked_into_it(root: Path):
    (root / "own" / "tiny.bin").rename(root / "tiny.bin")
    (root / "own").rmdir()
    unpack(tiny(), root, lambda _: None)
    assert names(root) == {"tiny.bin.images.npy"}


def test_factors_that_are_no_grid_and_images_held_out_are_kept(root: Path):
    labels = np.array([[1, 2], [0, 0], [1, 1], [0, 2], [0, 1], [1, 0]])

    def labelled(folder, images_NCHW, advance):
        fill(folder, images_NCHW, advance)
        return labels

    source = tiny(labelled, test_images=2)
    dataset = load(source, str(root), CPU)
    assert dataset.has_test_split
    assert (dataset.train.size, dataset.test.size) == (4, 2)
    assert dataset.train.factors(torch.arange(4)).tolist() == labels[:4].tolist()
    assert dataset.test.factors(torch.arange(2)).tolist() == labels[4:].tolist()
    assert torch.equal(dataset.test.images(torch.arange(2)), torch.from_numpy(IMAGES[4:]))
    assert factors_file(source, root).is_file()


@pytest.mark.parametrize("failure", [DataError("bad file"), KeyboardInterrupt()])
def test_an_unpacking_that_stops_midway_leaves_nothing(root: Path, failure: BaseException):
    def stop(folder, images_NCHW, advance):
        images_NCHW[0] = IMAGES[0]
        raise failure

    with pytest.raises(type(failure)):
        load(tiny(stop), str(root), CPU)
    assert names(root) == {"tiny.bin", ".tiny.bin.verified"}


def test_a_disk_that_is_too_small_is_refused_before(root: Path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * 10**9))
    source = tiny(images=10**9)
    with pytest.raises(DataError) as caught:
        unpack(source, root, lambda _: None)
    assert caught.value.message == (f"tiny needs 4.0 GB in '{root / 'own'}', where 2.0 GB are free")
    assert names(root) == {"tiny.bin", ".tiny.bin.verified"}


def test_without_files_it_is_said_how_to_get_them(tmp_path: Path, capsys):
    with pytest.raises(DataError) as caught:
        load(tiny(), str(tmp_path), CPU)
    assert caught.value.exit_code == 3
    assert caught.value.message == f"tiny is not in '{tmp_path}': tiny.bin is missing"
    assert "vaerun fetch tiny" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_unpacked_images_that_were_cut_are_refused(root: Path):
    load(tiny(), str(root), CPU)
    path = images_file(tiny(), root)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="is truncated or corrupt"):
        load(tiny(), str(root), CPU)
    np.save(path, IMAGES[:5])
    with pytest.raises(DataError, match=r"should have the shape \(6, 1, 2, 2\), not \(5, 1, 2, 2"):
        load(tiny(), str(root), CPU)


def test_datasets_of_one_file_share_what_is_unpacked_and_others_do_not(root: Path):
    other = (RemoteFile("other.bin", "", None, None),)
    assert images_file(tiny(name="painted"), root) == images_file(tiny(), root)
    assert images_file(tiny(files=other), root) != images_file(tiny(), root)


@pytest.mark.parametrize("free_bytes", [0, 10**12])
def test_images_are_the_same_wherever_they_lie(root: Path, monkeypatch, free_bytes: int):
    monkeypatch.setattr("runner.dataset.archive.archive.free_memory", lambda _: free_bytes)
    dataset = load(tiny(), str(root), CPU)
    indices_B = torch.tensor([5, 1, 1])
    assert torch.equal(dataset.train.images(indices_B), torch.from_numpy(IMAGES)[indices_B])
