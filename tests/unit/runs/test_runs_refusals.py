"""What is refused changes nothing: not a byte of a run's folder, and a new run leaves none."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from runner.commands.arguments import read
from runner.commands.evaluate import run as evaluate
from runner.commands.manual import EVALUATE
from runner.errors import DataError, UsageError, VaerunError
from runner.method import vae
from runner.runs import train as story
from runner.runs.train import resume, start
from runner.store.lock import lock
from runner.store.signature import sign
from tests.snapshot import snapshot
from tests.unit.runs.conftest import Settings

Change = Callable[[Path], object]


@pytest.fixture(autouse=True)
def without_key(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No W&B key of this machine, and the working folder and the home are empty."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    for name in ("HOME", "NETRC", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(home / "none"))
    monkeypatch.chdir(home)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def settings(old: str, new: str) -> Change:
    """Change ``config.yaml``, as if the run had been started with other settings."""

    def change(run: Path) -> None:
        text = (run / "config.yaml").read_text()
        assert old in text
        changed = text.replace(old, new, 1)
        sign(run / "config.yaml", changed.encode())
        (run / "config.yaml").write_text(changed)

    return change


def text(name: str, content: str) -> Change:
    return lambda run: (run / name).write_text(content)


def folder(name: str) -> Change:
    return lambda run: (run / name).mkdir(parents=True)


def status(**changes: object) -> Change:
    def change(run: Path) -> None:
        file = run / "status.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def as_it_is(run: Path) -> None:
    pass


def link_loop(run: Path) -> None:
    state = run / "checkpoint" / "state.json"
    state.unlink()
    state.symlink_to(state)


def state_is_a_folder(run: Path) -> None:
    (run / "checkpoint" / "state.json").unlink()
    (run / "checkpoint" / "state.json").mkdir()


def checkpoint_is_a_file(run: Path) -> None:
    shutil.rmtree(run / "checkpoint")
    (run / "checkpoint").touch()


def without_lock(run: Path) -> None:
    (run / ".lock").unlink()


NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what is refused")

REFUSED = [
    (as_it_is, [], UsageError, "is finished, at step 8"),
    (as_it_is, ["steps=7"], UsageError, "steps=7 lies before step 8"),
    (as_it_is, ["epochs=0.01"], UsageError, "epochs=0.01 ends at step 1, which lies before step 8"),
    (as_it_is, ["beta=3"], UsageError, "resume cannot change 'beta'"),
    (as_it_is, ["seed=3"], UsageError, "resume cannot change 'seed'"),
    (as_it_is, ["steps=9", "batch_size=3"], UsageError, "resume cannot change 'batch_size'"),
    (as_it_is, ["wandb.projct=x"], UsageError, "projct"),
    (as_it_is, ["steps=nine"], UsageError, "steps"),
    (as_it_is, ["steps=9", "evaluation.encodings=-1"], UsageError, "evaluation.encodings"),
    pytest.param(as_it_is, ["steps=9", "device=cuda"], UsageError, "device=cuda is not on this",
                 marks=NO_CUDA),
    pytest.param(without_lock, ["steps=9", "device=cuda"], UsageError, "device=cuda is not on this",
                 marks=NO_CUDA),
    (as_it_is, ["steps=9", "wandb.mode=online"], UsageError, "there is no W&B API key"),
    (as_it_is, ["steps=9", "wandb.mode=offline", "wandb.project=a/b"], UsageError, "Invalid proj"),
    (as_it_is, ["steps=9", "tracking.to=[tensorbord]"], UsageError, "tracking.to must be one of"),
    (as_it_is, ["steps=9", "tracking.images_every=0"], UsageError, "at least 1, or null, got 0"),
    (folder("metrics.csv"), ["steps=9", "tracking.to=[csv]"], DataError, "csv' is a folder, not a"),
    (text("tensorboard", ""), ["steps=9", "tracking.to=[tensorboard]"], DataError, "not a folder"),
    (folder("figures/training/a.png"), ["steps=9"], DataError, "a.png' is a folder, not a file"),
    (settings("name: digits", "name: shapes3d"), ["steps=9"], DataError, "shapes3d is not in"),
    (settings("batch_size: 128", "batch_size: 5000"), ["steps=9"], UsageError, "batch_size=5000"),
    (settings("- 8\n", "- 9\n"), ["steps=9"], UsageError, "belongs to another model"),
    (settings("seed: 0", "seed: zero"), ["steps=9"], UsageError, "seed"),
    (text("status.json", "{"), ["steps=9"], DataError, "status.json' is corrupt"),
    (text("summary.json", "["), ["steps=9"], DataError, "summary.json' is corrupt"),
    (text("scores.json", "3"), ["steps=9"], DataError, "scores.json' is corrupt"),
    (text("metrics.jsonl", "x\n"), ["steps=9"], DataError, "line 1 is not a record"),
    (text("checkpoint/state.json", ""), ["steps=9"], DataError, "state.json' is corrupt"),
    (link_loop, ["steps=9"], UsageError, "state.json' is a link that leads in a circle"),
    (state_is_a_folder, ["steps=9"], DataError, "has come to step 8, but its checkpoint"),
    (checkpoint_is_a_file, ["steps=9"], DataError, "has come to step 8, but its checkpoint"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "overrides", "kind", "message"), REFUSED)
def test_a_resume_that_is_refused_changes_not_a_byte(
    run: Path, change: Change, overrides: list[str], kind: type[VaerunError], message: str
):
    change(run)
    before = snapshot(run)
    with pytest.raises(kind) as refused:
        resume(run, overrides)
    assert message in refused.value.message
    assert snapshot(run) == before


@pytest.mark.parametrize(
    ("change", "setting", "code"),
    [
        pytest.param(as_it_is, "device=cuda", 2, marks=NO_CUDA),
        (as_it_is, "wandb.mode=online", 2),
        (as_it_is, "wandb.projct=x", 2),
        (folder("metrics.csv"), "tracking.to=[csv]", 3),
        (text("scores.json", "3"), "device=cpu", 3),
        (text("checkpoint/state.json", ""), "device=cpu", 3),
        (link_loop, "device=cpu", 2),
        (settings("name: digits", "name: shapes3d"), "device=cpu", 3),
    ],
)
def test_an_evaluation_that_is_refused_changes_not_a_byte(
    run: Path, capsys: pytest.CaptureFixture[str], change: Change, setting: str, code: int
):
    change(run)
    before = snapshot(run)
    assert evaluate(read(EVALUATE, [str(run), "metrics=fast", setting])) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("error: ") == 1
    assert snapshot(run) == before


def without(*names: str) -> Change:
    def change(run: Path) -> None:
        for name in names:
            (run / name).unlink()

    return change


@pytest.mark.parametrize(
    "evidence",
    [
        without("metrics.jsonl", "summary.json"),
        without("status.json", "summary.json"),
        without("status.json", "metrics.jsonl"),
    ],
    ids=["status", "records", "summary"],
)
def test_a_run_that_has_made_steps_does_not_start_again_without_its_checkpoint(
    run: Path, evidence: Change
):
    shutil.rmtree(run / "checkpoint")
    evidence(run)
    before = snapshot(run)
    with pytest.raises(DataError, match=r"has come to step 8, but its checkpoint/state\.json"):
        resume(run, ["steps=9"])
    assert snapshot(run) == before


def test_a_run_that_is_being_trained_is_left_alone(run: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process finished the run between the reading of its folder and the lock."""
    real = story.prepared

    def meanwhile(*arguments):
        found = real(*arguments)
        status(step=9)(run)
        return found

    monkeypatch.setattr(story, "prepared", meanwhile)
    with pytest.raises(UsageError, match="another process works in"):
        resume(run, ["steps=9"])
    assert json.loads((run / "status.json").read_text())["state"] == "finished"


NEW = [
    (["batch_size=5000", "objective.encodings=null"], UsageError, "more than the 1,500"),
    (["wandb.mode=online"], UsageError, "there is no W&B API key"),
    (["wandb.mode=offline", "wandb.project=a/b"], UsageError, "Invalid project name"),
    (["wandb.mode=offline", "wandb.project=a/b", "tracking.to=[csv,tensorboard,wandb]"],
     UsageError, "Invalid project name"),
    (["dataset=shapes3d", "architecture=mlp"], DataError, "shapes3d is not in"),
    pytest.param(["device=cuda"], UsageError, "device=cuda is not on this", marks=NO_CUDA),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "kind", "message"), NEW)
def test_a_new_run_that_is_refused_leaves_no_folder(
    small: Settings, tmp_path: Path, overrides: list[str], kind: type[VaerunError], message: str
):
    with pytest.raises(kind, match=message):
        start(small(*overrides), tmp_path / "out" / "day" / "run", "unresolved")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_leaves_what_was_there_before(small: Settings, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other").touch()
    with pytest.raises(UsageError, match="Invalid project name"):
        start(small("wandb.mode=offline", "wandb.project=a/b"), tmp_path / "out" / "day" / "run")
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "other"]
    in_the_way = tmp_path / "out" / "other" / "run"
    with pytest.raises(UsageError, match="cannot write to"):
        start(small(), in_the_way)


def test_an_unwritable_folder_with_parents_of_its_own_leaves_none(small: Settings, tmp_path: Path):
    with pytest.raises(UsageError, match="cannot write to"):
        start(small(), tmp_path / "out" / ("x" * 300))
    assert list(tmp_path.iterdir()) == []


def test_what_fails_in_the_evaluation_goes_on_with_it(
    small: Settings, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object, **__: object) -> None:
        raise VaerunError("no picture")

    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("runner.store.run_folder.RunFolder.write_figure", broken)
        with pytest.raises(VaerunError, match="no picture") as failed:
            start(small(), path)
    assert f"vaerun resume {path} goes on with the evaluation" in str(failed.value.hint)
    said = json.loads((path / "status.json").read_text())
    assert (said["state"], said["step"]) == ("failed", 8)
    assert said["error"] == "evaluation: no picture"

    def never(*_: object) -> None:
        pytest.fail("it trains again")

    monkeypatch.setattr(vae, "train", never)
    resume(path, [])
    said = json.loads((path / "status.json").read_text())
    assert (said["state"], said["error"]) == ("finished", None)
    summaries = [json.loads((each / "summary.json").read_text()) for each in (path, finished)]
    assert summaries[0] == summaries[1]


def test_a_locked_run_is_refused_before_it_is_read(run: Path):
    ready, over = threading.Event(), threading.Event()

    def work() -> None:
        with lock(run):
            ready.set()
            over.wait(60)

    other = threading.Thread(target=work)
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(UsageError, match="another process works in"):
            resume(run, ["steps=9"])
    finally:
        over.set()
        other.join()
