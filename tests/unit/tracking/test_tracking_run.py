"""Runs on W&B: logged values arrive, and a failure of W&B stops no run."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from runner.config import WandbConfig
from runner.errors import InterruptedRun, UsageError
from runner.store.run_folder import RunFolder
from runner.tracking import run as wandb_run
from runner.tracking.run import WandbRun
from tests.read_wandb import LoggedRun, find_logs, read_wandb
from tests.stub_wandb import StubWandb

CONFIG = {
    "objective": {"name": "hfvae", "weights": {"index_code_mi": 1.0}},
    "alpha": 1.0,
    "beta": 12.0,
    "gamma": 4.0,
    "seed": 3,
}
RECORDS = {step: {"loss": 90.0 - step, "terms/index_code_mi": step / 8} for step in (0, 50, 100)}
SUMMARY = {"elbo": -101.5, "terms": {"index_code_mi": 4.25}, "information": {"x": {"z1": 1.5}}}
HERE = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("without_wandb")


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., WandbRun]:
    def build(mode: str, **changes: Any) -> WandbRun:
        options: dict[str, Any] = {"folder": tmp_path, "name": "hfvae-12", "config": CONFIG}
        return WandbRun(_settings(mode), **options | changes)

    return build


def _settings(mode: str) -> WandbConfig:
    return WandbConfig(mode, "vaerun", None, "mnist_grid", ["mnist", "paper"])


def _read_all(folder: Path) -> list[LoggedRun]:
    """The runs of a folder, after wandb's background process has written all it has."""
    sys.modules["wandb"].teardown()
    return [read_wandb(log) for log in find_logs(folder)]


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == wandb_run.__name__]


def _log_all(run: WandbRun, folder: Path) -> None:
    still, moving = folder / "samples.png", folder / "traversal.gif"
    Image.new("RGB", (4, 3), "red").save(still)
    frames = [Image.new("L", (4, 3), grey) for grey in (0, 255)]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    for step, record in RECORDS.items():
        run.log(record, step)
    run.summarize(SUMMARY)
    run.log_figures({"samples": still, "traversal": moving}, 100)


def test_an_offline_run_can_be_read_back(start: Callable[..., WandbRun], tmp_path: Path) -> None:
    run = start("offline")
    _log_all(run, tmp_path)
    run.finish(exit_code=0)

    (logged,) = _read_all(tmp_path)
    assert (run.mode, run.reason) == ("offline", "set by wandb.mode")
    assert logged.about == {
        "id": run.id,
        "name": "hfvae-12",
        "group": "mnist_grid",
        "job_type": "train",
        "project": "vaerun",
        "tags": ["mnist", "paper"],
    }
    assert {key: logged.config[key] for key in CONFIG} == CONFIG
    assert logged.exit_code == 0
    assert [row["_step"] for row in logged.history] == [0, 50, 100]
    for row, (step, record) in zip(logged.history, RECORDS.items(), strict=True):
        assert {key: row[key] for key in (*record, "step")} == {**record, "step": step}


def test_pictures_are_stored_with_the_last_row(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    with start("offline") as run:
        _log_all(run, tmp_path)

    (logged,) = _read_all(tmp_path)
    (log,) = find_logs(tmp_path)
    row = logged.history[-1]
    assert row["figures/samples._type"] == "image-file"
    assert row["figures/traversal._type"] == "video-file"
    for name, source in {"samples": "samples.png", "traversal": "traversal.gif"}.items():
        stored = log.parent / "files" / row[f"figures/{name}.path"]
        assert stored.read_bytes() == (tmp_path / source).read_bytes()


def test_the_summary_is_flat_and_overrides_the_last_row(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    with start("offline") as run:
        _log_all(run, tmp_path)

    (logged,) = _read_all(tmp_path)
    summary = logged.summary
    assert summary["elbo"] == SUMMARY["elbo"]
    assert summary["information/x/z1"] == 1.5
    assert summary["terms/index_code_mi"] == 4.25  # the last row has 12.5
    assert summary["loss"] == {"min": RECORDS[100]["loss"], "last": RECORDS[100]["loss"]}


def test_the_metrics_are_defined(start: Callable[..., WandbRun], tmp_path: Path) -> None:
    with start("offline") as run:
        for step, loss in enumerate((5.0, 3.0, 4.0)):
            run.log({"loss": loss, "terms/index_code_mi": loss}, 50 * step)

    (logged,) = _read_all(tmp_path)
    everything, loss, step = (logged.definitions[name] for name in ("*", "loss", "step"))
    assert everything.step_metric == loss.step_metric == "step"
    assert (loss.summary.min, loss.summary.last, loss.summary.max) == (True, True, False)
    assert step.options.hidden
    assert logged.summary["loss"] == {"min": 3, "last": 4}
    assert logged.summary["terms/index_code_mi"] == 4  # a column by itself, as the final figure is


def validations(elbo: list[float], loss: list[float]) -> list[dict[str, float]]:
    return [{"validation/elbo": e, "validation/loss": v} for e, v in zip(elbo, loss, strict=True)]


def test_the_summary_has_the_best_validation_as_one_number(
    start: Callable[..., WandbRun], server: StubWandb
) -> None:
    """By its name a sweep finds its `metric` in the rows, and in the summary if not nested."""
    with start("online") as run:
        for step, record in enumerate(validations([-9.0, -7.0, -8.0], [9.0, 7.0, 8.0])):
            run.log(record, step)
        run.log({"validation/elbo": math.nan, "loss": 1.0}, 3)
        run.log({"loss": 1.0}, 4)
        run.summarize({"elbo": -7.5})

    (received,) = server.runs.values()
    rows = [row["validation/elbo"] for row in received.history if "validation/elbo" in row]
    assert rows[:3] == [-9.0, -7.0, -8.0]
    best = {name: received.summary[name] for name in ("validation/elbo", "validation/loss", "elbo")}
    assert best == {"validation/elbo": -7.0, "validation/loss": 7.0, "elbo": -7.5}


def test_the_best_validation_of_a_resumed_run_may_be_an_earlier_one(
    start: Callable[..., WandbRun], server: StubWandb, tmp_path: Path
) -> None:
    first, second = validations([-7.0, -8.0], [9.0, 7.0])
    with start("online") as run:
        run.log(first, 50)
    RunFolder(tmp_path).append_record({"step": 50, **first})
    with start("online", run_id=run.id) as run:
        run.begin(50, trains=True)
        run.log(second, 100)

    (received,) = server.runs.values()
    assert received.summary["validation/elbo"] == -7.0
    assert received.summary["validation/loss"] == 7.0


def test_a_run_resumed_offline_repeats_the_summary_of_its_folder(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    for step, loss in ((50, 3.0), (100, 4.0)):
        folder.append_record({"step": step, "loss": loss, "rate": 2.0, "information/z": 7.0})
    folder.write_summary({"step": 100, **SUMMARY})
    with start("offline", run_id="earlier") as run:
        run.summarize({"scores": {"mig": 0.5}, "elbo": -99.0})

    (logged,) = _read_all(tmp_path)
    assert logged.summary["scores/mig"] == 0.5
    assert logged.summary["elbo"] == -99.0  # the new value replaces the old one
    assert logged.summary["terms/index_code_mi"] == 4.25
    assert logged.summary["information/z"] == 7.0
    assert logged.summary["loss"] == {"min": 3.0, "last": 4.0}


def test_the_summary_of_an_earlier_checkpoint_is_not_repeated(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    folder.write_summary({"step": 100, **SUMMARY})
    folder.append_record({"step": 150, "loss": 1.0, "terms/index_code_mi": 9.0})
    with start("offline", run_id="earlier"):
        pass

    (logged,) = _read_all(tmp_path)
    assert "elbo" not in logged.summary
    assert logged.summary["terms/index_code_mi"] == 9.0
    assert logged.summary["step"] == 150


def test_a_new_run_repeats_no_earlier_summary(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    RunFolder(tmp_path).write_summary({"step": 100, **SUMMARY})
    with start("offline") as run:
        run.log({"loss": 1.0}, 0)

    (logged,) = _read_all(tmp_path)
    assert "elbo" not in logged.summary


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(ValueError("bad"), 1), (InterruptedRun("stopped", None, signal.SIGINT), 130)],
)
def test_a_run_that_fails_ends_before_the_next_begins(
    start: Callable[..., WandbRun], tmp_path: Path, error: Exception, exit_code: int
) -> None:
    first, second = tmp_path / "0", tmp_path / "1"
    first.mkdir()
    second.mkdir()

    def fail() -> None:
        with start("offline", folder=first) as run:
            run.log({"loss": 1.0}, 0)
            raise error

    with pytest.raises(type(error)):
        fail()
    with start("offline", folder=second, config={"beta": 2.0}) as run:
        run.log({"loss": 2.0}, 0)

    (failed,) = _read_all(first)
    (finished,) = _read_all(second)
    assert (failed.config["beta"], failed.exit_code) == (12.0, exit_code)
    assert [row["loss"] for row in failed.history] == [1.0]
    assert (finished.config["beta"], finished.exit_code) == (2.0, 0)
    assert [row["loss"] for row in finished.history] == [2.0]
    assert "objective" not in finished.config
    assert failed.about["id"] != finished.about["id"]


def test_an_unfinished_run_does_not_receive_the_next_run_s_records(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    left_open = start("offline", config={"beta": 1.0})
    with start("offline", config={"beta": 2.0}) as run:
        run.log({"loss": 2.0}, 0)
    left_open.finish(exit_code=1)

    found = {logged.config["beta"]: logged for logged in _read_all(tmp_path)}
    assert [row["loss"] for row in found[2.0].history] == [2.0]
    assert found[1.0].history == []


def test_a_run_finishes_once(start: Callable[..., WandbRun], tmp_path: Path) -> None:
    with start("offline") as run:
        run.finish(exit_code=3)

    assert [logged.exit_code for logged in _read_all(tmp_path)] == [3]


def test_disabled_imports_no_wandb(
    start: Callable[..., WandbRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it would fail
    with start("disabled", run_id="earlier") as run:
        _log_all(run, tmp_path)

    assert (run.mode, run.reason, run.id) == ("disabled", "set by wandb.mode", "earlier")
    assert not (tmp_path / "wandb").exists()


def test_an_online_run_arrives(
    start: Callable[..., WandbRun],
    server: StubWandb,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with start("auto") as run:
        _log_all(run, tmp_path)

    assert run.mode == "online"
    assert run.reason == f"{server.url}/local/vaerun/runs/{run.id}"
    assert capfd.readouterr() == ("", "")
    (received,) = server.runs.values()
    assert received.about["groupName"] == "mnist_grid"
    assert received.about["tags"] == ["mnist", "paper"]
    assert received.about["displayName"] == "hfvae-12"
    assert {key: received.config[key]["value"] for key in CONFIG} == CONFIG
    assert [row["step"] for row in received.history] == list(RECORDS)
    assert [row["loss"] for row in received.history] == [r["loss"] for r in RECORDS.values()]
    assert received.summary["terms/index_code_mi"] == 4.25
    assert received.summary["information/x/z1"] == 1.5
    assert received.exit_code == 0
    defined = {metric.get("1") or metric["2"]: metric for metric in received.metrics}
    assert received.metrics[defined["loss"]["5"] - 1]["1"] == "step"
    assert received.metrics[defined["*"]["5"] - 1]["1"] == "step"
    assert sorted(defined["loss"]["7"]) == [1, 5]  # min and last
    picture = received.history[-1]["figures/samples"]["path"]
    assert received.files[picture] == (tmp_path / "samples.png").read_bytes()


def test_a_table_that_the_server_refuses_costs_no_number(
    start: Callable[..., WandbRun],
    server: StubWandb,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = server.answer
    monkeypatch.setattr(
        server, "answer", lambda name, of: {} if name == "ArtifactType" else answer(name, of)
    )
    run = start("online")
    run.log({"loss": 4.0}, 1)
    run.summarize(SUMMARY)
    run.keep_table("topics", ("topic", "top words"), [(1, "god ice")])
    run.finish(exit_code=0)
    received = server.runs[run.id or ""]
    assert received.summary["elbo"] == SUMMARY["elbo"]
    assert "tables/topics" not in received.summary
    assert len(_warnings(caplog)) == 1


def test_a_resumed_run_goes_on_under_its_id(
    start: Callable[..., WandbRun], server: StubWandb
) -> None:
    with start("online") as first:
        first.log({"loss": 2.0}, 50)
    with start("online", run_id=first.id) as second:
        second.log({"loss": 1.0}, 100)

    assert second.id == first.id
    assert "RunResumeStatus" in server.operations
    (received,) = server.runs.values()
    assert [(row["step"], row["loss"]) for row in received.history] == [(50, 2.0), (100, 1.0)]


def test_a_resumed_offline_run_keeps_its_id(start: Callable[..., WandbRun], tmp_path: Path) -> None:
    with start("offline") as first:
        first.log({"loss": 2.0}, 50)
    time.sleep(1.1)  # wandb names the folder of an offline run after the second it starts in
    with start("offline", run_id=first.id) as second:
        second.log({"loss": 1.0}, 100)

    runs = _read_all(tmp_path)
    assert [run.about["id"] for run in runs] == [first.id, first.id]
    assert [run.history[0]["_step"] for run in runs] == [50, 100]


def test_a_project_name_that_wandb_refuses_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WandbConfig("offline", "a/b", None, None, [])
    with pytest.raises(UsageError, match="Invalid project name 'a/b'"):
        WandbRun(settings, folder=tmp_path, name="x", config={})


def test_a_run_that_the_server_refuses_is_kept_offline(
    start: Callable[..., WandbRun], server: StubWandb, tmp_path: Path
) -> None:
    server.refuse_with = 404
    with start("online") as run:
        _log_all(run, tmp_path)

    assert run.mode == "offline"
    assert run.reason == "W&B did not take the run (refused by the stub)"
    kept = [logged for logged in _read_all(tmp_path) if logged.history]
    assert [(logged.about["id"], len(logged.history)) for logged in kept] == [
        (run.id, len(RECORDS))
    ]


def test_a_network_that_dies_does_not_delay_the_run(
    start: Callable[..., WandbRun],
    server: StubWandb,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(wandb_run, "FINISH_SECONDS", 1.0)
    with start("online") as run:
        server.close()
        _log_all(run, tmp_path)
        began = time.monotonic()

    assert time.monotonic() - began < 4
    assert run.mode == "disabled"
    assert "the upload is unfinished, `wandb sync" in run.reason
    assert _warnings(caplog) == [f"W&B has stopped: {run.reason}"]
    (logged,) = _read_all(tmp_path)
    (log,) = find_logs(tmp_path)
    assert log.parent.match(run.reason.partition("`wandb sync ")[2].partition("`")[0])
    assert len(logged.history) == len(RECORDS)


def test_a_failure_in_the_middle_switches_wandb_off(
    start: Callable[..., WandbRun], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with start("offline") as run:
        run.log({"loss": 1.0}, 0)
        run.log_figures({"lost": tmp_path / "lost.png"}, 0)
        run.log({"loss": 2.0}, 50)
        run.summarize(SUMMARY)

    assert run.mode == "disabled"
    assert "lost.png" in run.reason
    assert _warnings(caplog) == [f"W&B has stopped: {run.reason}"]
    (logged,) = _read_all(tmp_path)
    assert ([row["loss"] for row in logged.history], logged.exit_code) == ([1.0], 1)


DEAD_CLIENT = """
import os, signal, subprocess, sys, time
from pathlib import Path
from runner.config import WandbConfig
from runner.tracking.run import WandbRun

def start(name):
    Path(name).mkdir()
    settings = WandbConfig("offline", "vaerun", None, None, [])
    return WandbRun(settings, folder=Path(name), name=name, config={})

with start("first") as first:
    first.log({"loss": 1.0}, 0)
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(os.getpid())],
                              capture_output=True, text=True).stdout.splitlines()
    (client,) = [int(line.split()[0]) for line in children if "wandb-core" in line]
    os.kill(client, signal.SIGKILL)
    while first.mode != "disabled":
        time.sleep(0.05)
        first.log({"loss": 1.0}, 1)
with start("second") as second:
    second.log({"loss": 2.0}, 0)
print(first.mode, second.mode)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the client's process with Linux's ps")
def test_a_dead_client_affects_one_run_only(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEAD_CLIENT],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "disabled offline\n")
    assert done.stderr.splitlines() == ["W&B has stopped: Connection lost"]
    (log,) = find_logs(tmp_path / "second")
    assert [row["loss"] for row in read_wandb(log).history] == [2.0]


AGENT_RUN = """
import sys
from pathlib import Path
from runner.config import WandbConfig
from runner.tracking.run import WandbRun

settings = WandbConfig("auto", "vaerun", None, None, [])
config = {"beta": float(sys.argv[1].removeprefix("beta="))}
with WandbRun(settings, folder=Path(), name="x", config=config, run_id="given") as run:
    run.log({"loss": 1.0}, 0)
    Path("id.txt").write_text(run.id)
"""


def test_a_wandb_agent_names_the_run(server: StubWandb, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(AGENT_RUN)
    command = [sys.executable, "train.py", "${args_no_hyphens}"]
    (tmp_path / "sweep.yaml").write_text(
        f"method: grid\nparameters: {{beta: {{values: [4]}}}}\ncommand: {command}\n"
    )
    for arguments in (
        ["sweep", "--project", "vaerun", "sweep.yaml"],
        ["agent", "local/vaerun/sweep0"],
    ):
        subprocess.run(
            [sys.executable, "-m", "wandb", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(HERE)},
            capture_output=True,
            timeout=60,
            check=True,
        )

    (run_id,) = server.runs
    assert run_id == (tmp_path / "id.txt").read_text() == "sweep0run0"
    received = server.runs[run_id]
    assert received.about["sweep"] == "sweep0"
    assert received.config["beta"]["value"] == 4
    assert (received.history[0]["loss"], received.exit_code) == (1, 0)
