"""Images while training: the same ones at every step, and training does not notice."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from runner.console.speed import Speed
from runner.runs import training_images
from runner.runs.preparation import PreparedRun, prepared
from runner.runs.train import start
from runner.runs.training_images import TrainingImages
from runner.store.run_folder import RunFolder
from tests.unit.runs.conftest import Settings, tensors_of


@pytest.fixture
def run(small: Settings, tmp_path: Path) -> Callable[..., PreparedRun]:
    """A run before its first step, of which pictures are drawn."""

    def build(*overrides: str) -> PreparedRun:
        config = small("tracking.images_every=2", *overrides)
        return prepared(config, RunFolder(tmp_path))

    return build


def draw(run: PreparedRun) -> dict[str, Path]:
    return TrainingImages(run).draw(Speed(0, 1))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=int)


def test_a_run_with_pictures_is_the_run_without(small: Settings, tmp_path: Path, finished: Path):
    start(small("tracking.images_every=4"), tmp_path / "run")
    ours, theirs = tensors_of(tmp_path / "run"), tensors_of(finished)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    summaries = [(each / "summary.json").read_bytes() for each in (tmp_path / "run", finished)]
    assert summaries[0] == summaries[1]
    assert sorted(path.name for path in (tmp_path / "run/figures/training").iterdir()) == [
        f"{name}-{step:08d}.png" for name in ("reconstructions", "traversals") for step in (4, 8)
    ]
    assert not (finished / "figures" / "training").exists()


@pytest.mark.parametrize("overrides", [[], ["objective=ae", "prior=code"]])
def test_pictures_of_two_steps_are_of_the_same_images(
    run: Callable[..., PreparedRun], overrides: list[str]
):
    here = run("objective.encodings=null", "learning_rate=0.1", *overrides)
    before = draw(here)
    again = {name: path.read_bytes() for name, path in draw(here).items()}
    assert {name: path.read_bytes() for name, path in before.items()} == again
    for _ in here.method.train(here.config, 4):
        pass
    after = draw(here)
    assert list(after) == ["training/reconstructions", "training/traversals"]
    one, other = (pixels(each["training/reconstructions"]) for each in (before, after))
    half = len(one) // 2 - 4
    assert (one[:half] == other[:half]).all()
    assert (one[-half:] != other[-half:]).any()
    assert here.method.module.training


def test_points_are_drawn_in_their_plane(composed: Settings, tmp_path: Path):
    overrides = ["experiment=pinwheel", "device=cpu", "wandb.mode=disabled"]
    here = prepared(composed("tracking.images_every=1", *overrides), RunFolder(tmp_path))
    assert list(draw(here)) == ["training/plane"]


def test_large_images_are_drawn_smaller():
    images_NCHW = np.arange(2 * 3 * 130 * 200, dtype=float).reshape(2, 3, 130, 200)
    small_NCHW = training_images._small(images_NCHW)
    assert small_NCHW.shape == (2, 3, 32, 50)
    assert small_NCHW[1, 2, 3, 4] == images_NCHW[1, 2, 12:16, 16:20].mean()
    assert training_images._small(images_NCHW[..., :64, :64]).shape == (2, 3, 64, 64)


def test_what_goes_wrong_ends_the_pictures_and_not_the_run(
    run: Callable[..., PreparedRun],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    images = TrainingImages(run())
    assert (images.due(1), images.due(2)) == (False, True)
    monkeypatch.setattr(RunFolder, "write_figure", full)
    assert images.draw(Speed(0, 1)) == {}
    assert "images while training have stopped: No space left on device" in capsys.readouterr().err
    assert not images.due(2)
