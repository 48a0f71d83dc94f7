"""A grid that this machine cannot train is refused before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from runner.commands.arguments import read
from runner.commands.manual import RESUME, TRAIN
from runner.commands.preflight import WITHOUT_PUBLISHED_FILES
from runner.commands.resume import run as resume
from runner.commands.train import run as train
from runner.dataset import DATASETS, SOURCES
from runner.errors import DataError, UsageError, VaerunError
from runner.grid import GridFolder
from tests.snapshot import snapshot

NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what is refused")
REFUSED = [
    pytest.param("device=cuda", UsageError, "device=cuda is not on this machine", marks=NO_CUDA),
    ("wandb.mode=online", UsageError, "there is no W&B API key"),
]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty working folder, and no W&B key of this machine."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "NETRC", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(home / "none"))
    monkeypatch.chdir(home)


@pytest.mark.parametrize(
    ("setting", "kind", "message"),
    [
        *REFUSED,
        ("dataset=shapes3d", DataError, "shapes3d is not in 'data'"),
        (
            "metrics.topic_coherence={words: 10, reference: nowhere, window: null}",
            DataError,
            "metrics.topic_coherence.reference: 'nowhere' is missing",
        ),
    ],
)
def test_a_new_grid_leaves_no_folder(
    tmp_path: Path, setting: str, kind: type[VaerunError], message: str
):
    arguments = ["-m", "dataset=digits", "seed=0,1", f"out={tmp_path / 'out'}", setting]
    with pytest.raises(kind, match=message):
        train(read(TRAIN, arguments))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("setting", "kind", "message"), REFUSED)
def test_a_grid_that_goes_on_stays_as_it_is(
    tmp_path: Path, setting: str, kind: type[VaerunError], message: str
):
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("seed=1",)])
    grid.mark(0, "failed", "as it was")
    before = snapshot(tmp_path)
    with pytest.raises(kind, match=message):
        resume(read(RESUME, [str(grid.path), setting]))
    assert snapshot(tmp_path) == before


def test_a_grid_without_the_library_of_a_tracker_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def missing() -> None:
        raise UsageError("tracking.to=[tensorboard] needs tensorboard")

    monkeypatch.setattr("runner.tracking.event_file.require_tensorboard", missing)
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("seed=1",)])
    before = snapshot(tmp_path)
    to = "tracking.to=[csv,tensorboard]"
    new = ["-m", "dataset=digits", "seed=0,1", f"out={tmp_path / 'out'}", to]
    for command in (
        lambda: train(read(TRAIN, new)),
        lambda: resume(read(RESUME, [str(grid.path), to])),
    ):
        with pytest.raises(UsageError, match="needs tensorboard"):
            command()
    assert snapshot(tmp_path) == before


def test_a_strangers_grid_needs_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",)])
    grid.mark(0, "finished", None)
    (grid.path / "0" / "config.yaml").write_text("seed: 0\n")
    assert resume(read(RESUME, [str(grid.path)])) == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of another user"))
    before = snapshot(grid.path)
    with pytest.raises(UsageError, match="is not known as yours") as refused:
        resume(read(RESUME, [str(grid.path)]))
    assert "--trust" in str(refused.value.hint)
    assert snapshot(grid.path) == before
    assert resume(read(RESUME, [str(grid.path), "--trust"])) == 0
    assert resume(read(RESUME, [str(grid.path)])) == 0  # it is one's own from then on


def test_a_strangers_grid_does_not_become_ones_own_by_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("name=${oc.env:SECRET}",)])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of another user"))
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("seed=2",)])
    assert len(grid.runs) == 3
    assert not grid.is_own


def test_of_which_datasets_files_are_looked_for():
    """Those that are not are named apart, so that a grid begins without importing torch."""
    named = set(WITHOUT_PUBLISHED_FILES)
    assert not named & set(SOURCES)
    assert named | set(SOURCES) == set(DATASETS)
