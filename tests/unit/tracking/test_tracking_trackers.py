"""Several trackers of one run: each has all records once, and one that fails stops no other."""

from __future__ import annotations

import csv
import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from runner.config import RunConfig
from runner.errors import DataError, InterruptedRun, UsageError
from runner.store.run_folder import RunFolder
from runner.tracking import event_file
from runner.tracking.trackers import Trackers, check_trackers
from tests.read_tensorboard import read_tensorboard
from tests.stub_wandb import StubWandb

OFF = ("disabled", "set by a test")
SUMMARY = {"step": 8, "elbo": -9.5, "terms": {"reconstruction": 9.0}, "split": "test"}

pytestmark = pytest.mark.usefixtures("without_wandb")


@pytest.fixture
def config(composed: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    return lambda to: composed("dataset=digits", "beta=4", f"tracking.to={to}")


def log(trackers: Trackers, folder: Path, *steps: int, **more: float) -> None:
    """Train a few steps: a record goes to the folder first, as in a run."""
    for step in steps:
        record = {"step": step, "loss": 10.0 / step, **more}
        RunFolder(folder).append_record(record)
        trackers.log(record, step)


def picture(folder: Path, name: str, colour: str = "red") -> Path:
    path = folder / "figures" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), colour).save(path)
    return path


def check_table(folder: Path) -> None:
    """The table holds exactly what ``metrics.jsonl`` does."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [{name: float(cell) for name, cell in row.items() if cell} for row in rows]
    assert found == [
        {key: value for key, value in json.loads(line).items() if value is not None}
        for line in lines
    ]


def test_all_of_them_get_the_records(
    config: Callable[..., RunConfig], server: StubWandb, tmp_path: Path
) -> None:
    chosen = config("[wandb,tensorboard,csv]")
    mode = check_trackers(chosen, tmp_path)
    with Trackers(chosen, tmp_path, None, mode) as trackers:
        trackers.begin(0, trains=True)
        log(trackers, tmp_path, 1, 2)
        log(trackers, tmp_path, 4, **{"validation/elbo": -3.0})
        trackers.log_images({"training/reconstructions": picture(tmp_path, "training/r-4")}, 4)
        trackers.summarize(SUMMARY)
        trackers.keep_table("topics", ("topic", "top words"), [(0.25, "ice | puck"), (1, "god")])
        trackers.log_figures({"samples": picture(tmp_path, "samples")}, 4)
        assert [label for label, _ in trackers.shown] == ["W&B", "TensorBoard", "CSV"]
    check_table(tmp_path)
    shown = read_tensorboard(tmp_path)
    assert shown.scalars["loss"] == [(1, 10.0), (2, 5.0), (4, 2.5)]
    assert shown.scalars["validation/elbo"] == [(4, -3.0)]
    assert shown.scalars["summary/elbo"] == [(4, -9.5)]
    assert shown.scalars["summary/terms/reconstruction"] == [(4, 9.0)]
    drawn = (tmp_path / "figures" / "samples.png").read_bytes()
    assert shown.pictures["figures/samples"] == [(4, drawn)]
    assert shown.steps("figures/training/reconstructions") == [4]
    assert shown.hyperparameters["beta"] == 4.0
    assert shown.hyperparameters["objective.name"] == "hfvae"
    assert not [name for name in shown.hyperparameters if name.startswith(("wandb", "out"))]
    assert shown.status == 1
    rows = "| topic | top words |\n|---|---|\n| 0.25 | ice \\| puck |\n| 1 | god |"
    assert shown.texts["tables/topics"] == [(4, rows)]
    (received,) = server.runs.values()
    assert [row["loss"] for row in received.history if "loss" in row] == [10.0, 5.0, 2.5]
    assert {"figures/samples", "figures/training/reconstructions"} <= received.summary.keys()
    table = received.summary["tables/topics"]
    assert (table["_type"], table["ncols"], table["nrows"]) == ("table-file", 2, 2)
    assert list(server.artifacts.values()) == ["run_table"]
    (content,) = (json.loads(c) for name, c in received.files.items() if name == table["path"])
    assert content["columns"] == ["topic", "top words"]
    assert content["data"] == [[0.25, "ice | puck"], [1, "god"]]
    assert trackers.wandb_id in server.runs


@pytest.mark.parametrize("last", [2, 5])
def test_after_a_kill_each_step_is_there_once(
    config: Callable[..., RunConfig], tmp_path: Path, last: int
) -> None:
    """Killed after step 6, in the middle of a record and of an event, it goes on from ``last``."""
    chosen = config("[tensorboard,csv]")
    killed = Trackers(chosen, tmp_path, None, OFF)
    killed.begin(0, trains=True)
    log(killed, tmp_path, 1, 2, 4, 6)
    killed._active[1]._file.close()  # as the end of a process does, and nothing else
    for file in (tmp_path / "metrics.csv", *(tmp_path / "tensorboard").iterdir()):
        file.write_bytes(file.read_bytes()[:-5])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "lo')
    RunFolder(tmp_path).rewind_records(last)
    with Trackers(chosen, tmp_path, None, OFF) as trackers:
        trackers.begin(last, trains=True)
        check_table(tmp_path)
        log(trackers, tmp_path, 6, 8, more=1.0)
    check_table(tmp_path)
    kept = [step for step in (1, 2, 4) if step <= last]
    assert read_tensorboard(tmp_path).steps("loss") == [*kept, 6, 8]


def test_a_second_evaluation_replaces_the_last_step(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    chosen, folder = config("[tensorboard]"), RunFolder(tmp_path)
    with Trackers(chosen, tmp_path, None, OFF) as trackers:
        trackers.begin(0, trains=True)
        log(trackers, tmp_path, 4, 8)
        drawn = picture(tmp_path, "training/traversals-00000008")
        trackers.log_images({"training/traversals": drawn}, 8)
        trackers.summarize(SUMMARY)
        folder.write_summary(SUMMARY)
        folder.write_table("topics", "topic,top words\n0.5,god ice\n")
        trackers.keep_table("topics", ("topic", "top words"), [(0.5, "god ice")])
        trackers.log_figures({"samples": picture(tmp_path, "samples")}, 8)
    for mig in (0.25, 0.5):
        with Trackers(chosen, tmp_path, None, OFF) as trackers:
            trackers.begin(8, trains=False)
            trackers.summarize({"scores": {"mean/mig": mig}})
            trackers.keep_figures({"pruning": picture(tmp_path, "pruning", "blue")})
    shown = read_tensorboard(tmp_path)
    assert shown.scalars["loss"] == [(4, 2.5), (8, 1.25)]
    assert shown.scalars["summary/elbo"] == [(8, -9.5)]
    assert shown.scalars["scores/mean/mig"] == [(8, 0.5)]
    assert shown.texts["tables/topics"] == [
        (8, "| topic | top words |\n|---|---|\n| 0.5 | god ice |")
    ]
    for name in ("samples", "pruning", "training/traversals"):
        assert shown.steps(f"figures/{name}") == [8]


def test_a_run_that_was_begun_without_them_has_its_earlier_records_too(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    with Trackers(config("[]"), tmp_path, "abc", OFF) as trackers:
        trackers.begin(0, trains=True)
        log(trackers, tmp_path, 1, 2)
    assert (trackers.shown, trackers.wandb_id) == ([], "abc")
    with Trackers(config("[csv,tensorboard]"), tmp_path, "abc", OFF) as trackers:
        trackers.begin(2, trains=True)
        log(trackers, tmp_path, 4)
    check_table(tmp_path)
    assert read_tensorboard(tmp_path).steps("loss") == [1, 2, 4]


def test_one_that_fails_is_one_line_and_the_others_go_on(
    config: Callable[..., RunConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Trackers(config("[tensorboard,csv]"), tmp_path, None, OFF) as trackers:
        trackers.begin(0, trains=True)
        log(trackers, tmp_path, 1)
        with monkeypatch.context() as patch:
            patch.setattr(event_file.EventFile, "_write", full)
            log(trackers, tmp_path, 2)
        log(trackers, tmp_path, 4)
    assert [r.getMessage() for r in caplog.records] == [
        "TensorBoard has stopped: No space left on device"
    ]
    check_table(tmp_path)
    assert read_tensorboard(tmp_path).steps("loss") == [1]


def test_a_session_that_is_interrupted_is_no_success(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    def stop() -> None:
        with Trackers(config("[tensorboard]"), tmp_path, None, OFF) as trackers:
            trackers.begin(0, trains=True)
            raise InterruptedRun("stopped", None, 2)

    with pytest.raises(InterruptedRun):
        stop()
    assert read_tensorboard(tmp_path).status == 2


def test_without_the_library_it_is_refused_with_the_remedy(
    config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    event_file._library.cache_clear()
    with pytest.raises(UsageError, match="needs tensorboard") as refused:
        check_trackers(config("[tensorboard]"), tmp_path / "run")
    assert refused.value.hint == "pip install 'vaerun[tensorboard]'"
    assert check_trackers(config("[csv]"), tmp_path / "run")[0] == "disabled"
    assert list(tmp_path.glob("run")) == []


def test_what_is_in_the_place_of_their_files_is_refused(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    chosen = config("[tensorboard,csv]")
    (tmp_path / "tensorboard").touch()
    with pytest.raises(DataError, match="tensorboard' is a file, not a folder"):
        check_trackers(chosen, tmp_path)
    (tmp_path / "tensorboard").unlink()
    (tmp_path / "metrics.csv").mkdir()
    with pytest.raises(DataError, match=r"metrics\.csv' is a folder, not a file"):
        check_trackers(chosen, tmp_path)


def test_a_file_from_the_future_is_followed_by_a_later_one(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    """The clock of the machine that trained before may be ahead; TensorBoard sorts by name."""
    (tmp_path / "tensorboard").mkdir()
    for stamp in ("4102444800", "9999999999"):
        (tmp_path / "tensorboard" / f"events.out.tfevents.{stamp}.host.1").touch()
    with Trackers(config("[tensorboard]"), tmp_path, None, OFF) as trackers:
        trackers.begin(0, trains=True)
    names = sorted(path.name for path in (tmp_path / "tensorboard").iterdir())
    assert names[1].startswith("events.out.tfevents.4102444801.")
