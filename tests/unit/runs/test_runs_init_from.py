"""A run starts from the parameters of another, with settings of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from runner.config import restore
from runner.errors import DataError, UsageError
from runner.figures.of_run import RunFigures
from runner.runs.train import resume, start
from runner.store.checkpoint import load as load_checkpoint
from tests.unit.runs.conftest import Settings, tensors_of
from tests.unit.runs.test_runs_train import During, is_equal


@pytest.fixture(autouse=True)
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure is drawn, which takes longer than all the rest."""
    monkeypatch.setattr(RunFigures, "figures", lambda *_: iter(()))
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)


@pytest.fixture
def source(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "source")


def settings_of(run: Path):
    return restore((run / "config.yaml").read_text(), [])


def test_it_begins_with_these_parameters_and_says_so(
    small: Settings, during: During, source: Path, tmp_path: Path
):
    run = tmp_path / "run"

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    during(stop)
    with pytest.raises(KeyboardInterrupt):
        start(small(f"init_from={source}", "beta=2", "learning_rate=0.01", "seed=3"), run)
    ours, theirs = (load_checkpoint(each / "checkpoint").tensors["model"] for each in (run, source))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    config, state = settings_of(run), json.loads((source / "checkpoint/state.json").read_text())
    assert config.init_from == str(source.absolute())
    assert config.init.step == 8
    assert config.init.sha256 == state["files"]["model"]["sha256"]


def test_after_its_first_checkpoint_it_does_not_need_the_other_run(
    small: Settings, during: During, source: Path, tmp_path: Path
):
    run, whole = tmp_path / "run", tmp_path / "whole"
    start(small(f"init_from={source}"), whole)

    kills = [5]

    def stop(step: int) -> None:
        if step in kills:
            kills.clear()
            raise KeyboardInterrupt

    during(stop)
    with pytest.raises(KeyboardInterrupt):
        start(small(f"init_from={source}"), run)
    shutil.rmtree(source)
    resume(run, [])
    assert is_equal(run, whole)


def test_parts_can_be_taken_over_alone(small: Settings, source: Path, tmp_path: Path):
    start(small(f"init_from={source}", "init.only=[encoder]", "steps=1"), tmp_path / "run")
    start(small("steps=1"), tmp_path / "fresh")
    runs = {run: tensors_of(tmp_path / run) for run in ("run", "fresh", "source")}
    names = [name for name in runs["run"] if name.startswith("model/")]
    near = {
        part: [
            float((runs["run"][n] - runs[other][n]).abs().max())
            for n in names
            if n.startswith(f"model/{part}.")
        ]
        for part, other in (("encoder", "source"), ("decoder", "fresh"))
    }
    assert max(near["encoder"] + near["decoder"]) < 0.003  # a step of Adam, of 0.001 each


@pytest.mark.parametrize(
    ("overrides", "said", "hint"),
    [
        (["init_from={}/nowhere"], "init_from: .* is not a run folder", "there is no such folder"),
        (["init_from={}/source", "init.checkpoint=best"], "has no best checkpoint", "last"),
        (["init_from={}/source", f"init.sha256={'a' * 64}"], "has other parameters", "of step 8"),
        (["init_from={}/source", "prior.dimensions=6"], "does not fit: encoder", "no part"),
        (["init_from={}/source", "architecture.widths=[9]"], "does not fit: encoder", "no part"),
    ],
)
def test_what_cannot_be_taken_over_leaves_no_folder(
    small: Settings, source: Path, tmp_path: Path, overrides: list[str], said: str, hint: str
):
    with pytest.raises(UsageError, match=said) as error:
        start(small(*(each.format(tmp_path) for each in overrides)), tmp_path / "run")
    assert hint in str(error.value.hint)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_corrupt_checkpoint_is_refused(small: Settings, source: Path, tmp_path: Path):
    (file,) = (source / "checkpoint").glob("model-*")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="is truncated or corrupt"):
        start(small(f"init_from={source}"), tmp_path / "run")


def test_a_stranger_s_run_gives_its_parameters_and_nothing_else(
    small: Settings, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (source / "config.yaml").write_text("it: is not looked at")
    start(small(f"init_from={source}", "steps=1"), tmp_path / "run")
    assert "is not known as yours: its parameters are read" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_stranger_s_run_that_has_no_checkpoint_yet_does_not_say_what_is_read(
    small: Settings, source: Path, tmp_path: Path
):
    run = tmp_path / "run"
    start(small(f"init_from={source}", "steps=1"), run)
    shutil.rmtree(run / "checkpoint")
    (run / ".config.yaml.signature").unlink()
    for name in ("status.json", "metrics.jsonl", "summary.json"):
        (run / name).unlink()
    with pytest.raises(UsageError, match="not known as yours, and it would read init_from="):
        resume(run, [])
