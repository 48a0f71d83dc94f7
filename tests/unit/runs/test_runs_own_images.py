"""A run of the user's own images notices that they are no longer those it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.console.run_display import make_console
from runner.errors import UsageError
from runner.figures.of_run import RunFigures
from runner.runs.load import RunLoader
from runner.runs.train import resume, start
from tests.unit.runs.conftest import Settings

CHANGED = "are not those that .* was trained on"


def write(file: Path, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (200, 8, 8), dtype=np.uint8)
    np.savez(file, images=images, labels=np.arange(200) % 2)


def test_changed_images_are_refused_unless_asked(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(RunFigures, "figures", lambda *_: iter(()))
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)
    file, run = tmp_path / "x.npz", tmp_path / "run"
    write(file, 0)
    own = ("dataset=npz", f"dataset.path={file}", f"data_dir={tmp_path / 'data'}")
    network = ("architecture=mlp", "objective.encodings=null", "batch_size=16", "steps=2")
    start(small(*own, *network), run)
    resume(run, ["steps=3"])
    write(file, 1)
    for refused in (
        lambda: resume(run, ["steps=4"]),
        lambda: RunLoader(make_console()).open(run),
    ):
        with pytest.raises(UsageError, match=CHANGED) as error:
            refused()
        assert "dataset.changed=accept" in str(error.value.hint)
    assert json.loads((run / "status.json").read_text())["step"] == 3
    assert RunLoader(make_console(), ["dataset.changed=accept"]).open(run)[0].step == 3
    resume(run, ["steps=4", "dataset.changed=accept"])
    assert json.loads((run / "status.json").read_text())["step"] == 4
    RunLoader(make_console()).open(run)  # these are now the run's images
