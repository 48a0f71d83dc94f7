"""A run folder opened again: its model, its dataset, and what it says of a folder that is none."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from rich.console import Console

from runner.errors import DataError, UsageError
from runner.runs import load as loading
from runner.runs.load import RunLoader
from runner.runs.train import resume
from tests.unit.runs.conftest import tensors_of


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO())


def test_a_run_is_opened_as_its_checkpoint_has_it(finished: Path, console: Console):
    run, wandb_id = RunLoader(console).open(finished)
    saved = tensors_of(finished)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, saved[f"model/{name}"])
    assert not run.model.training  # no dropout, no noise of training
    assert (run.step, run.folder.path, run.config.seed) == (8, finished, 0)
    assert (run.dataset.name, run.device.type) == ("digits", "cpu")
    assert wandb_id is None


def test_settings_may_be_changed_for_looking_at_it(finished: Path, console: Console):
    run, _ = RunLoader(console, ["evaluation.encodings=7"]).open(finished)
    assert run.config.evaluation.encodings == 7
    with pytest.raises(UsageError, match="encodigs"):
        RunLoader(console, ["evaluation.encodigs=7"]).open(finished)


def test_runs_in_a_row_share_their_dataset(
    finished: Path, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    loads = list[str]()
    real = loading.load

    def counted(config, *rest):
        loads.append(config.name)
        return real(config, *rest)

    monkeypatch.setattr(loading, "load", counted)
    shutil.copytree(finished, tmp_path / "copy")
    runs = RunLoader(console)
    one, other = (runs.open(path)[0] for path in (finished, tmp_path / "copy"))
    assert one.dataset is other.dataset
    assert one.model is not other.model
    assert loads == ["digits"]


def test_what_cannot_be_opened_says_why(finished: Path, console: Console, tmp_path: Path):
    runs = RunLoader(console)
    with pytest.raises(UsageError, match="is not a run folder"):
        runs.open(tmp_path)
    shutil.copytree(finished, tmp_path / "torn")
    (file,) = (tmp_path / "torn" / "checkpoint").glob("model-*")
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(DataError, match="truncated or corrupt"):
        runs.open(tmp_path / "torn")
    shutil.rmtree(tmp_path / "torn" / "checkpoint")
    with pytest.raises(DataError, match="has come to step 8, but its checkpoint"):
        runs.open(tmp_path / "torn")
    for name in ("status.json", "summary.json", "metrics.jsonl"):
        (tmp_path / "torn" / name).unlink()
    with pytest.raises(UsageError, match="has no checkpoint"):
        runs.open(tmp_path / "torn")


def test_a_run_of_another_version_that_cannot_be_restored_names_it(
    finished: Path, console: Console, tmp_path: Path
):
    folder = tmp_path / "old"
    shutil.copytree(finished, folder)
    (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + "passes: 3\n")
    with pytest.raises(UsageError, match=r"passes") as refused:
        RunLoader(console).open(folder)
    assert "vaerun" not in refused.value.message  # of this version
    status = json.loads((folder / "status.json").read_text())
    status["versions"]["vaerun"] = "0.0.1"
    (folder / "status.json").write_text(json.dumps(status))
    with pytest.raises(UsageError, match=r"written by vaerun 0\.0\.1"):
        RunLoader(console).open(folder)
    with pytest.raises(UsageError, match=r"written by vaerun 0\.0\.1"):
        resume(folder, ["steps=20"])
