"""``dataset=folder``: any images, any table of factors, a cache that notices changes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from runner.config import FolderConfig
from runner.dataset import load
from runner.dataset.own import pictures
from runner.dataset.own.pictures import Form
from runner.errors import DataError, UsageError

CPU = torch.device("cpu")
GREY = {"1", "L", "I;16", "LA"}


def settings(root: Path, **changes: object) -> FolderConfig:
    given: dict[str, object] = {
        "name": "folder", "hold_out": {}, "correlated": None, "path": str(root), "size": 8,
        "fit": "crop", "channels": None, "class_factor": None, "bins": None, "test_share": 0.25,
        "test_seed": 0, "factors": "auto", "pattern": None, "test_folder": None, "test_by": [],
        "broken": "skip", "changed": "refuse",
    }  # fmt: skip
    return FolderConfig(**{**given, **changes})  # pyright: ignore[reportArgumentType]


def picture(mode: str, size: tuple[int, int] = (9, 7), value: int = 200) -> Image.Image:
    """A picture of one colour: red where the mode has colours."""
    if mode == "I;16":
        return Image.fromarray(np.full(size[::-1], value * 257, np.uint16))
    if mode == "1":
        return Image.new("1", size, 1)
    colour = Image.new("RGB", size, (value, value, value) if mode in GREY else (value, 0, 0))
    return colour.convert(mode)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four dark and four light pictures, in folders of their own."""
    for folder, value in (("dark", 10), ("light", 250)):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number in range(4):
            picture("L", (8 + number, 9), value).save(
                tmp_path / "photos" / folder / f"{number}.png"
            )
    return tmp_path / "photos"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "HSV"])
def test_pictures_of_every_mode_become_bytes(mode: str, tmp_path: Path):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.tif" if mode == "HSV" else "a.png")
    (picture(mode) if mode != "HSV" else picture("RGB")).save(path)
    image = pictures.read(path, Form(3, 4, 5, "crop"))
    expected = 255 if mode == "1" else 200
    assert image.shape == (3, 4, 5)
    assert image.dtype == np.uint8
    red, green = (int(channel) for channel in image.mean((1, 2))[:2])
    assert abs(red - expected) <= 6  # JPEG is not exact
    assert abs(green - (expected if mode in GREY else 0)) <= 6
    assert pictures.look(path).is_grey == (mode in GREY)


def test_transparency_lies_over_black(tmp_path: Path):
    seen = Image.new("RGBA", (4, 4), (255, 255, 255, 0))
    seen.save(tmp_path / "a.png")
    assert pictures.read(tmp_path / "a.png", Form(1, 4, 4, "crop")).max() == 0


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_what_becomes_of_images_that_are_not_square(fit: str, tmp_path: Path):
    """A wide picture, white in its middle third and black beside it."""
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "a.png")
    image = pictures.read(tmp_path / "a.png", Form(1, 4, 4, fit))[0].astype(int)
    if fit == "crop":
        assert image.min() == 255
    elif fit == "pad":
        assert image[0].max() == 0
        assert image[1:3].max() > 0
        assert image[3].max() == 0
    else:
        assert image[:, 0].max() < 60
        assert image[:, 1:3].min() > 150


def test_folders_are_labels_and_the_split_is_by_seed(photos: Path, tmp_path: Path):
    dataset = load(settings(photos), str(tmp_path), CPU)
    assert dataset.shape == (1, 8, 8)
    assert [(f.name, f.size) for f in dataset.factors] == [("label", 2)]
    assert dataset.class_names == ("dark", "light")
    assert (dataset.train.size, dataset.test.size) == (6, 2)
    assert dataset.has_test_split
    rows = torch.arange(6)
    means_N = dataset.train.images(rows).float().mean((1, 2, 3))
    assert torch.equal(means_N > 100, dataset.train.factors(rows)[:, 0] == 1)
    again, other = (
        load(settings(photos, test_seed=seed), str(tmp_path), CPU).train.factors(rows)
        for seed in (0, 3)
    )
    assert torch.equal(again, dataset.train.factors(rows))
    assert not torch.equal(other, again)


def test_a_folder_is_the_test_split(photos: Path, tmp_path: Path):
    dataset = load(settings(photos, test_folder="light", factors="none"), str(tmp_path), CPU)
    assert (dataset.train.size, dataset.test.size) == (4, 4)
    assert int(dataset.test.images(torch.arange(4)).min()) == 250
    assert dataset.factors == ()
    assert dataset.class_factor is None
    labels, known = dataset.labels(dataset.train, torch.arange(2))
    assert not known.any()
    assert labels.tolist() == [-1, -1]


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "list"])
def test_factors_of_a_table(kind: str, photos: Path, tmp_path: Path):
    rows = [
        {"file": f"{folder}/{n}.png", "shape": shape, "angle": str(n / 2)}
        for folder, shape in (("dark", "disc"), ("light", "box"))
        for n in range(4)
    ]
    if kind in {"csv", "tsv"}:
        mark = "," if kind == "csv" else "\t"
        lines = [mark.join(row.values()) for row in rows]
        text = "\n".join([mark.join(rows[0]), *lines])
        table = photos / f"factors.{kind}"
    else:
        listed = {row["file"]: {k: v for k, v in row.items() if k != "file"} for row in rows}
        text = json.dumps(rows if kind == "list" else listed)
        table = photos / "factors.json"
    table.write_text(text)
    chosen = str(table) if kind == "tsv" else "auto"
    dataset = load(settings(photos, factors=chosen, test_share=0), str(tmp_path), CPU)
    assert [(f.name, f.size) for f in dataset.factors] == [("shape", 2), ("angle", 4)]
    assert dataset.class_factor == "shape"
    assert dataset.class_names == ("box", "disc")
    assert not dataset.has_test_split
    assert not dataset.is_factor_grid
    factors_NF = dataset.train.factors(torch.arange(8))
    assert factors_NF[:, 0].tolist() == [1] * 4 + [0] * 4
    assert factors_NF[:, 1].tolist() == [0, 1, 2, 3] * 2


def test_broken_files_are_named_counted_and_left_out_or_refused(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    intact = (photos / "dark" / "0.png").read_bytes()
    (photos / "dark" / "cut.png").write_bytes(intact[: len(intact) // 2])
    (photos / "dark" / "text.png").write_text("not an image")
    dataset = load(settings(photos, test_share=0), str(tmp_path), CPU)
    assert dataset.train.size == 8
    said = "2 of 10 images are broken and left out: dark/cut.png, dark/text.png\n"
    assert said in capsys.readouterr().err
    load(settings(photos, test_share=0), str(tmp_path), CPU)
    assert capsys.readouterr().err == said  # from the cache
    with pytest.raises(DataError, match=r"cut\.png' is not an intact image"):
        load(settings(photos, broken="refuse"), str(tmp_path), CPU)


def test_the_cache_notices_changed_files_and_damage(photos: Path, tmp_path: Path):
    config = settings(photos, test_share=0)
    assert load(config, str(tmp_path), CPU).train.size == 8
    picture("L").save(photos / "dark" / "new.png")
    assert load(config, str(tmp_path), CPU).train.size == 9
    for made in tmp_path.glob("prepared/*/images.npy"):
        made.write_bytes(made.read_bytes()[:-5])
    assert int(load(config, str(tmp_path), CPU).train.images(torch.tensor([8])).max()) == 250


REFUSED = [
    ({"path": "nowhere"}, DataError, "'.*nowhere' does not exist"),
    ({"size": None}, UsageError, "dataset.size=null needs images of one size"),
    ({"test_folder": "lihgt"}, UsageError, "no image lies in 'lihgt'"),
    ({"test_share": 0.01}, UsageError, "leaves an empty split"),
    ({"factors": "table.csv"}, DataError, "there is no table 'table.csv'"),
    ({"class_factor": "shape"}, UsageError, "there is no factor 'shape'"),
    ({"test_by": ["lable"]}, UsageError, "dataset.test_by: there is no factor 'lable'"),
    ({"test_by": ["label"]}, UsageError, "of 2 values of label leaves an empty split"),
    ({"pattern": "(?P<n>[a-z]+)[.]gif"}, DataError, "dataset.pattern fits no image in"),
    ({"pattern": "(?P<n>[a-z])?[0-9]"}, DataError, "factor 'n' has no value for 8 of 8 images"),
]


@pytest.mark.parametrize(("changes", "kind", "message"), REFUSED)
def test_what_cannot_be_is_refused(changes, kind, message, photos: Path, tmp_path: Path):
    if "path" in changes:
        changes = {"path": str(tmp_path / changes["path"])}
    with pytest.raises(kind, match=message):
        load(settings(photos, **changes), str(tmp_path), CPU)


def test_a_pattern_tells_the_factors_and_which_images_are_meant(photos: Path, tmp_path: Path):
    picture("L").save(photos / "dark" / "ambient.png")
    pattern = r"(?P<tone>dark|light)/(?P<number>\d)[.]png$"
    dataset = load(settings(photos, pattern=pattern, test_share=0), str(tmp_path), CPU)
    assert [(f.name, f.size) for f in dataset.factors] == [("tone", 2), ("number", 4)]
    assert (dataset.class_factor, dataset.class_names) == ("tone", ("dark", "light"))
    every = torch.arange(8)
    assert dataset.train.factors(every).tolist() == [[t, n] for t in (0, 1) for n in range(4)]
    is_light_N = dataset.train.images(every).amax((1, 2, 3)) == 250
    assert torch.equal(is_light_N, dataset.train.factors(every)[:, 0] == 1)


def test_images_that_a_pattern_does_not_fit_are_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    picture("L").save(photos / "dark" / "ambient.png")
    load(settings(photos, pattern="(?P<n>[0-9])[.]png"), str(tmp_path), CPU)
    left_out = "1 of 9 images have other names and are left out: dark/ambient.png"
    assert left_out in capsys.readouterr().err


def test_the_test_split_can_have_whole_values_of_factors(photos: Path, tmp_path: Path):
    pattern = r"(?P<tone>dark|light)/(?P<number>\d)"
    changes = {"pattern": pattern, "test_by": ["number"], "test_share": 0.5}
    dataset = load(settings(photos, **changes), str(tmp_path), CPU)
    train, test = (
        {tuple(row) for row in split.factors(torch.arange(split.size)).tolist()}
        for split in (dataset.train, dataset.test)
    )
    assert len(train) == len(test) == 4
    assert not {number for _, number in train} & {number for _, number in test}
    both = load(settings(photos, **{**changes, "test_by": ["tone", "number"]}), str(tmp_path), CPU)
    assert (both.train.size, both.test.size) == (4, 4)


def test_images_prepared_before_there_were_patterns_are_found(photos: Path, tmp_path: Path):
    """The name of their folder in the cache is that of earlier versions."""
    load(settings(photos), str(tmp_path), CPU)
    (folder,) = (tmp_path / "prepared").iterdir()
    shown = {**asdict(settings(photos)), "pattern": None, "test_by": []}
    kept = [
        name for name in shown
        if name not in
        {"hold_out", "correlated", "class_factor", "path", "changed", "pattern", "test_by"}
    ]  # fmt: skip
    made_of = [1, {name: shown[name] for name in kept}, _source(photos)]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True, default=str).encode()).hexdigest()
    assert folder.name == f"folder-{digest[:16]}"


def _source(photos: Path) -> dict[str, object]:
    files = sorted(p.relative_to(photos).as_posix() for p in photos.rglob("*.png"))
    stats = [(photos / file).stat() for file in files]
    images = [
        (file, stat.st_size, stat.st_mtime_ns) for file, stat in zip(files, stats, strict=True)
    ]
    return {"images": images, "table": None}


TABLES = [
    ("file,shape\ndark/0.png,disc\n", "has no line for 7 of 8 images"),
    ("file,shape\ndark/0.png\n", "line 2 has 1 values for 2 names"),
    ("file,shape,shape\na,b,c\n", "has two columns 'shape'"),
    ("file,shape\na,b\na,c\n", "has two lines for 'a'"),
    ("file,shape\n" + "".join(f"dark/{n}.png,\nlight/{n}.png,x\n" for n in range(4)),
     "factor 'shape' has no value for 4 of 8 images"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), TABLES)
def test_tables_that_cannot_be_used(text: str, message: str, photos: Path, tmp_path: Path):
    (photos / "factors.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        load(settings(photos), str(tmp_path), CPU)
