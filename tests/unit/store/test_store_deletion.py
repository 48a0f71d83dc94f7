"""What is taken for a run or a comparison, and which folders are never deleted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.store.deletion import comparison_target, is_run, run_target
from runner.store.lock import LockedError, lock
from runner.store.signature import sign
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "outputs" / "a", config())


def test_a_run_goes_with_all_that_belongs_to_it(run: Path):
    for name in (
        "checkpoint/state.json", "checkpoint/model-1.safetensors", "checkpoint_best/state.json",
        "figures/latents.png", "figures/traversal.gif", "wandb/offline-run-1/run-1.wandb",
        "metrics.jsonl", "metrics.csv", "scores.json", "log.txt", ".config.yaml.signature",
        "tensorboard/events.out.tfevents.1", "export/encoder.onnx", "export/model.json",
        "tables/topics.csv",
        "comparison/comparison.html", "comparison/figures/elbo.png",
    ):  # fmt: skip
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("{}")
    assert run_target(run).delete().left == []
    assert not run.exists()
    assert run.parent.is_dir()


def test_a_program_s_config_yaml_is_no_run(tmp_path: Path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "config.yaml").write_text("server: {port: 80}\n")
    assert not is_run(tmp_path / "app")
    (tmp_path / "app" / "status.json").write_text(json.dumps({"state": "up"}))
    assert not is_run(tmp_path / "app")
    with pytest.raises(UsageError, match="is not known to be a run"):
        run_target(tmp_path / "app")


def test_one_s_own_run_is_known_without_its_status(run: Path):
    (run / "status.json").write_text("{corrupt")
    assert not is_run(run)
    sign(run / "config.yaml", (run / "config.yaml").read_bytes())
    assert is_run(run)
    assert run_target(run).delete().left == []


@pytest.mark.parametrize("name", ["config.yaml", "status.json"])
def test_a_run_is_not_known_by_links(run: Path, tmp_path: Path, name: str):
    (run / name).rename(tmp_path / name)
    (run / name).symlink_to(tmp_path / name)
    with pytest.raises(UsageError, match="is not known to be a run"):
        run_target(run)


def test_a_folder_that_holds_runs_is_refused_and_names_one(run: Path):
    with pytest.raises(UsageError, match="is no run, but a folder that holds a run") as no:
        run_target(run.parent)
    assert str(run) in (no.value.hint or "")


def test_runs_within_a_run_stay(run: Path):
    inner = write_run(run / "inner", config())
    before = snapshot(inner)
    assert run_target(run).delete().left == ["inner/"]
    assert snapshot(inner) == before
    assert not (run / "config.yaml").exists()


def test_a_link_to_a_run_is_refused(run: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(UsageError, match="is a link, and links are not followed") as no:
        run_target(tmp_path / "link")
    assert str(run) in (no.value.hint or "")


@pytest.mark.parametrize("inside", [".", "figures"])
def test_the_current_folder_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch, inside: str):
    (run / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(run / inside)
    with pytest.raises(UsageError, match="the current folder"):
        run_target(run)


def test_a_run_in_training_is_refused(run: Path):
    import threading

    failed: list[BaseException] = []

    def other() -> None:
        try:
            run_target(run)
        except LockedError as error:
            failed.append(error)

    with lock(run):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(failed) == 1
    assert (run / "config.yaml").is_file()


def test_a_run_that_begins_while_it_is_asked_about_stays(run: Path):
    import threading

    target, failed = run_target(run), []

    def other() -> None:
        try:
            target.delete()
        except LockedError as error:
            failed.append(error)

    with lock(run):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(failed) == 1
    assert (run / "config.yaml").is_file()


def test_a_comparison_goes_with_its_figures_and_nothing_else(tmp_path: Path):
    folder = tmp_path / "comparison"
    (folder / "figures").mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps({"figures": ["elbo"]}))
    for name in ("comparison.html", "runs.csv", "figures/elbo.png", "mine.csv"):
        (folder / name).write_text("")
    target = comparison_target(folder)
    assert target is not None
    assert target.delete().left == ["mine.csv"]
    assert [path.name for path in folder.iterdir()] == ["mine.csv"]


def test_a_run_is_no_comparison(run: Path):
    assert comparison_target(run) is None
    (run / "comparison.json").write_text("[]")
    assert comparison_target(run) is None
    shutil.rmtree(run)
    with pytest.raises(UsageError, match="there is no folder"):
        comparison_target(run)
