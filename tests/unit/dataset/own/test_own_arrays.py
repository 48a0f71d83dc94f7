"""``dataset=npz`` and ``dataset=hdf5``: arrays of any usual form."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from runner.config import ArraysConfig
from runner.dataset import load
from runner.dataset.own.factors import table
from runner.errors import DataError, UsageError

CPU = torch.device("cpu")
KINDS = ("npz", "hdf5")


def settings(path: Path, kind: str, **changes: object) -> ArraysConfig:
    given: dict[str, object] = {
        "name": kind, "hold_out": {}, "correlated": None, "path": str(path), "size": None,
        "fit": "crop", "channels": None, "class_factor": None, "bins": None, "test_share": 0,
        "test_seed": 0, "images": "images", "factors": "auto", "changed": "refuse",
    }  # fmt: skip
    return ArraysConfig(**{**given, **changes})  # pyright: ignore[reportArgumentType]


def write(path: Path, kind: str, **arrays: np.ndarray) -> None:
    if kind == "npz":
        np.savez_compressed(path, **arrays)
        return
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array.astype("S") if array.dtype.kind == "U" else array


BYTES = np.random.default_rng(0).integers(0, 256, (12, 5, 6), dtype=np.uint8)
FORMS = {
    "grey": (BYTES, BYTES[:, None]),
    "grey, axis last": (BYTES[..., None], BYTES[:, None]),
    "colours last": (np.stack([BYTES, BYTES // 2, BYTES // 3], -1),
                     np.stack([BYTES, BYTES // 2, BYTES // 3], 1)),
    "colours first": (np.stack([BYTES, BYTES // 2, BYTES // 3], 1),
                      np.stack([BYTES, BYTES // 2, BYTES // 3], 1)),
    "16 bits": (BYTES.astype(np.uint16) * 257, BYTES[:, None]),
    "numbers from 0 to 1": (BYTES / 255, BYTES[:, None]),
    "truth values": (BYTES > 99, (BYTES[:, None] > 99) * 255),
    "zeros and ones": ((BYTES > 99).astype(np.uint8), (BYTES[:, None] > 99) * 255),
    "wide whole numbers": (BYTES.astype(np.int64), BYTES[:, None]),
    "first index fastest": (np.asfortranarray(BYTES), BYTES[:, None]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_images_of_every_form(form: str, kind: str, tmp_path: Path):
    given, expected_NCHW = FORMS[form]
    write(tmp_path / "a", kind, images=given) if kind == "hdf5" else write(
        tmp_path / "a.npz", kind, images=given
    )
    path = tmp_path / ("a" if kind == "hdf5" else "a.npz")
    dataset = load(settings(path, kind), str(tmp_path), CPU)
    assert dataset.factors == ()
    images_NCHW = dataset.train.images(torch.arange(12)).numpy()
    assert np.array_equal(images_NCHW, expected_NCHW)


@pytest.mark.parametrize("kind", KINDS)
def test_factors_with_names_and_a_split(kind: str, tmp_path: Path):
    path = tmp_path / "a.npz"
    factors = np.stack([np.arange(12) % 3, np.linspace(0, 1, 12)], 1)
    write(path, kind, images=BYTES, factors=factors, factor_names=np.array(["shape", "angle"]))
    config = settings(path, kind, test_share=0.25, bins=4, class_factor="shape")
    dataset = load(config, str(tmp_path), CPU)
    assert [(f.name, f.size) for f in dataset.factors] == [("shape", 3), ("angle", 4)]
    assert (dataset.train.size, dataset.test.size) == (9, 3)
    for split in (dataset.train, dataset.test):
        rows = torch.arange(split.size)
        for image, (shape, angle) in zip(split.images(rows), split.factors(rows), strict=True):
            (n,) = (n for n in range(12) if np.array_equal(BYTES[n], image[0].numpy()))
            assert (shape, angle) == (n % 3, n // 3)


def test_images_are_resized_and_made_grey(tmp_path: Path):
    write(tmp_path / "a.npz", "npz", images=FORMS["colours last"][0], labels=np.arange(12) % 2)
    config = settings(tmp_path / "a.npz", "npz", size=4, channels=1)
    dataset = load(config, str(tmp_path), CPU)
    assert dataset.shape == (1, 4, 4)
    assert dataset.class_factor == "label"


REFUSED = [
    ({}, {"imgs": BYTES}, DataError, "no array 'images': it has imgs"),
    ({}, {"images": BYTES[0]}, DataError, r"has the shape \(5, 6\)"),
    ({}, {"images": BYTES - 300.0}, DataError, "values from -300"),
    ({}, {"images": np.full((3, 4, 4), np.nan)}, DataError, "values from nan"),
    ({}, {"images": BYTES[:0]}, DataError, "is empty"),
    ({}, {"images": np.full((3, 4, 4), "a")}, DataError, "not pixels"),
    ({}, {"images": BYTES, "factors": np.zeros(3)}, DataError, r"shape \(3,\), for 12 images"),
    ({"factors": "y"}, {"images": BYTES}, DataError, "no array 'y' of factors"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "arrays", "kind", "message"), REFUSED)
def test_what_cannot_be_is_refused(changes, arrays, kind, message, tmp_path: Path):
    write(tmp_path / "a.npz", "npz", **arrays)
    with pytest.raises(kind, match=message):
        load(settings(tmp_path / "a.npz", "npz", **changes), str(tmp_path), CPU)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"not an archive", None])
def test_files_that_cannot_be_read(kind: str, content: bytes | None, tmp_path: Path):
    path = tmp_path / "a.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz' is (missing|truncated or corrupt)"):
        load(settings(path, kind), str(tmp_path), CPU)


def test_nothing_is_unpickled(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez(path, images=BYTES, factors=np.array([{"a": 1}] * 12, dtype=object))
    with pytest.raises(DataError, match="holds Python objects"):
        load(settings(path, "npz"), str(tmp_path), CPU)


def test_measurements_need_bins():
    measured = np.linspace(0, 1, 2000).tolist()
    with pytest.raises(UsageError, match="2,000 different numbers"):
        table({"angle": measured}, 2000, None)
    found = table({"angle": measured}, 2000, 10)
    assert np.bincount(found.numbers_NF[:, 0]).tolist() == [200] * 10
    assert found.values[0][0] == "0 to 0.09955"
