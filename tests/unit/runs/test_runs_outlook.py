"""What resume would do is told without the model and the data, and is what it then does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config import RunConfig, to_yaml
from runner.runs.outlook import standing
from runner.store.lock import lock
from runner.store.signature import sign


@pytest.fixture
def run(composed: Callable[..., RunConfig], tmp_path: Path) -> Path:
    """A run of this user that stands at step 20 of 50."""
    path = tmp_path / "run"
    (path / "checkpoint").mkdir(parents=True)
    content = to_yaml(composed("dataset=digits", "steps=50")).encode()
    sign(path / "config.yaml", content)
    (path / "config.yaml").write_bytes(content)
    write(path, "status", {"state": "interrupted", "step": 20, "steps": 50})
    (path / "checkpoint" / "model-1.safetensors").write_text("")
    files = {"model": {"name": "model-1.safetensors", "sha256": ""}}
    write(path, "checkpoint/state", {"state": {"step": 20, "wandb_id": "x"}, "files": files})
    return path


def write(path: Path, name: str, content: object) -> None:
    (path / f"{name}.json").write_text(json.dumps(content))


def test_it_goes_on_where_the_checkpoint_is(run: Path):
    found = standing(run)
    assert (found.step, found.wandb_id, found.is_own) == (20, "x", True)
    assert found.outlook == "goes on at step 20 of 50"


def test_a_trained_run_goes_on_with_the_evaluation(run: Path):
    write(run, "status", {"state": "failed", "step": 20, "steps": 20})
    assert standing(run).outlook == "goes on with the evaluation: it is trained"


def test_a_finished_run_has_nothing_left(run: Path):
    write(run, "status", {"state": "finished", "step": 20, "steps": 20})
    assert standing(run).outlook.startswith("has nothing left to do")


@pytest.mark.parametrize(
    ("objective", "further"),
    [
        ("hfvae", "steps=N with a larger N trains it further"),
        ("info_gan", "steps=N with a larger N trains it further"),
        ("pca", "objective=pca cannot be trained further"),
        ("gan", "objective=gan cannot be trained further"),
    ],
)
def test_only_what_can_be_trained_further_is_said_to_be(
    run: Path, composed: Callable[..., RunConfig], objective: str, further: str
):
    text = to_yaml(composed("dataset=digits", f"objective={objective}", "steps=20"))
    (run / "config.yaml").write_text(text)
    write(run, "status", {"state": "finished", "step": 20, "steps": 20})
    assert standing(run).outlook == f"has nothing left to do; {further}"


def test_a_run_without_a_checkpoint_begins(run: Path):
    (run / "checkpoint" / "state.json").unlink()
    assert standing(run).outlook == ("is refused: its checkpoint/state.json is missing, at step 20")
    write(run, "status", {"state": "interrupted", "step": 0, "steps": 50})
    assert standing(run).outlook == "begins at step 0 of 50, having no checkpoint"


def test_what_is_missing_or_corrupt_is_named(run: Path):
    (run / "checkpoint" / "model-1.safetensors").unlink()
    assert "model-1.safetensors' is missing" in standing(run).outlook
    (run / "checkpoint" / "state.json").write_text("{")
    assert "state.json' is corrupt" in standing(run).outlook
    (run / "config.yaml").write_text("beta: [")
    assert standing(run).outlook.startswith("is refused: ")


def test_a_run_in_training_is_refused(run: Path):
    found: list[str] = []
    with lock(run):
        thread = threading.Thread(target=lambda: found.append(standing(run).outlook))
        thread.start()
        thread.join()
    assert found == ["is refused while another process works in it"]


def test_a_stranger_s_run_goes_on_by_itself(run: Path, composed: Callable[..., RunConfig]):
    (run / ".config.yaml.signature").unlink()
    found = standing(run)
    assert not found.is_own
    assert "without W&B and with your data_dir" in found.outlook
    text = to_yaml(composed("dataset=folder", "dataset.path=/theirs", "steps=50"))
    (run / "config.yaml").write_text(text)
    assert standing(run).outlook == "goes on at step 20 of 50, given dataset.path=… or --trust"


def test_it_imports_no_torch():
    code = "import sys, runner.commands.show; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
