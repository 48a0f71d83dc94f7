"""``vaerun encode``, ``sample`` and ``traverse``: what they write, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import runner
from runner.commands import encode, sample, traverse
from runner.commands.arguments import read
from runner.commands.manual import ENCODE, SAMPLE, TRAVERSE
from runner.errors import VaerunError
from runner.evaluation.codes_file import read_codes

Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> runner.Run:
    settings = (
        "dataset=digits", "metrics=none", "architecture.widths=[8]", "prior.dimensions=2",
        "steps=2", "evaluation.encodings=40", "evaluation.map_points=10",
        "evaluation.traversal_steps=3", "device=cpu",
    )  # fmt: skip
    return runner.train(runner.compose(*settings, f"out={tmp_path_factory.mktemp('runs')}"))


def _encode(*arguments: object) -> int:
    return encode.run(read(ENCODE, [str(each) for each in arguments]))


def _sample(*arguments: object) -> int:
    return sample.run(read(SAMPLE, [str(each) for each in arguments]))


def _traverse(*arguments: object) -> int:
    return traverse.run(read(TRAVERSE, [str(each) for each in arguments]))


def test_a_split_is_encoded_as_evaluate_reads_it(run: runner.Run, tmp_path: Path, capsys: Printed):
    path = tmp_path / "codes.npz"
    assert _encode(run.path, "test", "-o", path) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{path}\n"
    assert "297 codes" in printed.err
    assert np.allclose(read_codes(path).codes.codes_ND, run.codes().codes)


def test_a_folder_of_pictures_is_encoded(run: runner.Run, tmp_path: Path, capsys: Printed):
    (tmp_path / "test").mkdir()
    for name, mode, size in (("a.png", "L", (8, 8)), ("b.jpg", "RGB", (30, 20))):
        Image.new(mode, size).save(tmp_path / "test" / name)
    assert _encode(run.path, tmp_path / "test", "-o", tmp_path / "codes.csv") == 0
    lines = (tmp_path / "codes.csv").read_text().splitlines()
    assert lines[0] == "image,z_0,z_0_scale,z_1,z_1_scale"
    assert [line.split(",")[0] for line in lines[1:]] == ["a.png", "b.jpg"]
    assert "not known" in capsys.readouterr().err


def test_samples_are_pictures_and_a_grid(run: runner.Run, tmp_path: Path, capsys: Printed):
    folder = tmp_path / "new" / "samples"
    assert _sample(run.path, "-n", 5, "-o", folder, "seed=3") == 0
    assert capsys.readouterr().out == f"{folder}\n"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["grid.png", *(f"sample_00{n}.png" for n in range(5))]
    with Image.open(folder / "sample_002.png") as picture:
        shown = np.asarray(picture)
    assert np.array_equal(shown, (run.sample(5, seed=3)[2] * 255).round().astype(np.uint8))
    with Image.open(folder / "grid.png") as picture:
        assert picture.size == (3 * 9 - 1, 2 * 9 - 1)


def test_traversals_of_an_image_are_drawn(run: runner.Run, tmp_path: Path, capsys: Printed):
    picture = tmp_path / "seven.png"
    Image.new("L", (8, 8), 200).save(picture)
    for name, arguments in (
        ("one.png", ("--image", picture, "--variable", "z_1")),
        ("two.pdf", ("--index", 4)),
    ):
        assert _traverse(run.path, *arguments, "-o", tmp_path / name) == 0
        assert capsys.readouterr().out == f"{tmp_path / name}\n"
    with Image.open(tmp_path / "one.png") as drawn:
        assert drawn.size[1] < 400
    assert (tmp_path / "two.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (_encode, (), "encode takes a run folder, and images or a split"),
        (_encode, ("RUN", "test"), "encode needs -o"),
        (_encode, ("RUN", "test", "-o", "codes.txt"), "not the name of a file of codes"),
        (_encode, ("RUN", "test", "-o", "there.npz"), "is there already"),
        (_encode, ("RUN", "test", "-o", "none/codes.npz"), "there is no folder"),
        (_encode, ("RUN", "tset", "-o", "codes.npz"), "'tset' does not exist"),
        (_encode, ("RUN", "test", "-o", "codes.npz", "beta=3"), "encode has no setting 'beta'"),
        (_encode, ("nowhere", "test", "-o", "codes.npz"), "is not a run folder"),
        (_sample, ("RUN",), "sample needs -o"),
        (_sample, ("RUN", "-o", "full"), "'full' is not empty"),
        (_sample, ("RUN", "-o", "there.npz"), "is not a folder"),
        (_sample, ("RUN", "-o", "new", "-n", "0"), "-n must be a whole number from 1 on"),
        (_sample, ("RUN", "-o", "new", "seed=x"), "seed must be a whole number from 0 on"),
        (_traverse, ("RUN", "-o", "t.png", "--image", "a.png", "--index", "1"), "each say which"),
        (_traverse, ("RUN", "-o", "t.txt"), "not the name of a picture"),
        (_traverse, ("RUN", "-o", "t.png", "--index", "297"), "the numbers 0 to 296"),
        (_traverse, ("RUN", "-o", "t.png", "--variable", "z_7"), "no variable 'z_7'"),
        (_traverse, ("RUN", "-o", "t.png", "--image", "none.png"), "'none.png' does not exist"),
    ],
)
def test_what_is_refused_writes_nothing(
    run: runner.Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command,
    arguments: tuple[str, ...],
    message: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.npz").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VaerunError, match=message):
        command(*(run.path if each == "RUN" else each for each in arguments))
    assert sorted(tmp_path.rglob("*")) == before


def test_models_without_images_or_a_prior_say_so(
    run: runner.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dataclasses import replace

    from runner.dataset import POINTS
    from runner.runs import load

    opened = load.open_model(run.path)
    points = replace(opened, trained_on=replace(opened.trained_on, kind=POINTS))
    monkeypatch.setattr(load, "open_model", lambda *_, **__: points)
    with pytest.raises(VaerunError, match="points are not images"):
        _sample(run.path, "-o", tmp_path / "samples")
    with pytest.raises(VaerunError, match="points are not images"):
        _traverse(run.path, "-o", tmp_path / "t.png")
    assert not (tmp_path / "samples").exists()
