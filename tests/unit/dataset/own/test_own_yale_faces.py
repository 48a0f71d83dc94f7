"""``dataset=yale_faces``: folders and names as those of the cropped Extended Yale B."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from runner.config import RunConfig
from runner.dataset import Dataset, load
from runner.errors import DataError, UsageError

PEOPLE = (1, 2, 39)
LIGHTS = ((0, 0), (-5, 10), (130, 20), (60, -20), (-110, 65))
"""Azimuth and elevation of the light, in degrees."""


def face(person: int, azimuth: int, elevation: int) -> Image.Image:
    """A grey picture of 168x192 pixels, in its middle as bright as the three numbers say."""
    value = 5 * person + (azimuth + elevation + 130) // 8
    return Image.fromarray(np.full((192, 168), value % 256, np.uint8))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    root = tmp_path / "CroppedYale"
    for person in PEOPLE:
        folder = root / f"yaleB{person:02d}"
        folder.mkdir(parents=True)
        for azimuth, elevation in LIGHTS:
            name = f"{folder.name}_P00A{azimuth:+04d}E{elevation:+03d}.pgm"
            face(person, azimuth, elevation).save(folder / name)
        Image.new("L", (640, 480), 3).save(folder / f"{folder.name}_P00_Ambient.pgm")
        (folder / f"{folder.name}_P00.info").write_text(name)
    (root / "yaleB01" / "yaleB01_P00A+050E-40.pgm.bad").write_bytes(b"P5 168 192 255\n")
    return root


@pytest.fixture
def read(faces: Path, tmp_path: Path, composed: Callable[..., RunConfig]) -> Callable[..., Dataset]:
    def load_faces(*words: str) -> Dataset:
        chosen = ("dataset=yale_faces", f"dataset.path={faces}", *words)
        return load(composed(*chosen).dataset, str(tmp_path / "data"), torch.device("cpu"))

    return load_faces


def test_names_tell_identity_and_light(read: Callable[..., Dataset], capsys):
    dataset = read("dataset.test_share=0")
    assert dataset.shape == (1, 64, 64)
    assert [(f.name, f.size) for f in dataset.factors] == [
        ("identity", 3), ("azimuth", 5), ("elevation", 5)
    ]  # fmt: skip
    assert dataset.class_names == ("1", "2", "39")
    assert dataset.train.size == len(PEOPLE) * len(LIGHTS)
    angles = [sorted({light[axis] for light in LIGHTS}) for axis in (0, 1)]
    every = torch.arange(dataset.train.size)
    rows = zip(dataset.train.factors(every), dataset.train.images(every), strict=True)
    for (identity, azimuth, elevation), image in rows:
        light = (angles[0][azimuth], angles[1][elevation])
        assert light in LIGHTS
        expected = np.asarray(face(PEOPLE[identity], *light))[0, 0]
        assert set(image.unique().tolist()) == {expected}
    assert "3 of 18 images have other names and are left out: yaleB01/" in capsys.readouterr().err


def test_people_of_the_test_split_are_known_and_its_lights_are_not(read: Callable[..., Dataset]):
    dataset = read()
    train, test = (
        split.factors(torch.arange(split.size)).tolist() for split in (dataset.train, dataset.test)
    )
    assert (len(train), len(test)) == (12, 3)
    assert {row[0] for row in test} == {row[0] for row in train}
    assert not {tuple(row[1:]) for row in test} & {tuple(row[1:]) for row in train}


def test_the_light_can_be_one_factor(read: Callable[..., Dataset]):
    pattern = r"yaleB(?P<identity>\d+)_P00(?P<light>A[+-]\d+E[+-]\d+)"
    dataset = read(f"dataset.pattern='{pattern}'", "dataset.test_by=[light]")
    assert [(f.name, f.size) for f in dataset.factors] == [("identity", 3), ("light", 5)]


def test_a_damaged_face_is_left_out_or_refused(
    read: Callable[..., Dataset], faces: Path, capsys: pytest.CaptureFixture[str]
):
    damaged = faces / "yaleB02" / "yaleB02_P00A+000E+00.pgm"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"yaleB02_P00A\+000E\+00.pgm' is not an intact image"):
        read("dataset.broken=refuse")
    assert read("dataset.test_share=0").train.size == len(PEOPLE) * len(LIGHTS) - 1
    left_out = "1 of 15 images are broken and left out: yaleB02/yaleB02_P00A+000E+00.pgm"
    assert left_out in capsys.readouterr().err


def test_what_is_missing_is_said_with_where_it_is_from(
    read: Callable[..., Dataset], faces: Path, tmp_path: Path, composed: Callable[..., RunConfig]
):
    with pytest.raises(UsageError, match=r"dataset.path must be the folder .*ExtYaleB.html"):
        composed("dataset=yale_faces")
    (tmp_path / "empty").mkdir()
    for place in ("nowhere", "empty"):
        with pytest.raises(DataError) as missing:
            read(f"dataset.path={tmp_path / place}")
        assert "ExtYaleB.html" in str(missing.value.hint)
    for path in faces.glob("*/*E*.pgm"):
        path.rename(path.with_name(path.name.replace("yaleB", "face")))
    with pytest.raises(DataError, match=r"dataset\.pattern fits no image in") as other:
        read()
    assert "ExtYaleB.html" in str(other.value.hint)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.pattern='('"], "dataset.pattern must be a regular expression with named groups"),
        (["dataset.pattern=yale"], "dataset.pattern must be a regular expression"),
        (["dataset.factors=folders"], "dataset.factors must be auto beside dataset.pattern"),
        (["dataset.test_folder=yaleB01"], r"dataset.test_by must be \[\] beside"),
    ],
)
def test_settings_that_do_not_fit_each_other(
    words: list[str], message: str, composed: Callable[..., RunConfig]
):
    with pytest.raises(UsageError, match=message):
        composed("dataset=yale_faces", "dataset.path=faces", *words)
