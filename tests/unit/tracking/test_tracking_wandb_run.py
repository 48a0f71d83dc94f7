"""W&B as a guest: what is logged arrives, and whatever W&B does, a run goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from runner.config import WandbConfig
from runner.errors import InterruptedRun, UsageError
from runner.tracking import wandb_run
from runner.tracking.wandb_run import WandbRun, resolve_mode
from tests.read_wandb import LoggedRun, find_logs, read_wandb
from tests.stub_wandb import KEY, StubWandb

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


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No key, setting or proxy of this machine, no telemetry, and a fresh client."""
    for name in list(os.environ):
        if name.startswith("WANDB_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    for kind in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{kind}_DIR", str(home / kind))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB__DISABLE_STATS", "true")
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{_dead_port()}")
    yield
    if wandb := sys.modules.get("wandb"):
        wandb.teardown()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubWandb]:
    with StubWandb() as stub:
        monkeypatch.setenv("WANDB_BASE_URL", stub.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield stub


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


def _dead_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


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


def test_the_summary_is_flat_and_beats_the_last_row(
    start: Callable[..., WandbRun], tmp_path: Path
) -> None:
    with start("offline") as run:
        _log_all(run, tmp_path)

    (logged,) = _read_all(tmp_path)
    summary = logged.summary
    assert summary["elbo"] == SUMMARY["elbo"]
    assert summary["information/x/z1"] == 1.5
    assert summary["terms/index_code_mi"] == 4.25  # the last row has 12.5
    assert summary["loss"] == RECORDS[100]["loss"]


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


def test_a_run_left_open_does_not_swallow_the_next(
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


def test_disabled_does_without_wandb(
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
    picture = received.history[-1]["figures/samples"]["path"]
    assert received.files[picture] == (tmp_path / "samples.png").read_bytes()


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


def test_auto_without_a_key_is_offline() -> None:
    assert resolve_mode("auto") == ("offline", "no API key (run `wandb login`)")


def test_auto_with_a_key_and_a_server_is_online(server: StubWandb) -> None:
    assert resolve_mode("auto") == ("online", "127.0.0.1 answers")


def test_auto_with_a_dead_server_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    began = time.monotonic()
    assert resolve_mode("auto") == ("offline", "127.0.0.1 does not answer")
    assert time.monotonic() - began < 3


def test_auto_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that is silent holds a connection up before its own time limit begins."""
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr(wandb_run, "PROBE_SECONDS", 0.2)
    released = threading.Event()

    def hang(*_: object) -> None:
        released.wait(10)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    began = time.monotonic()
    assert resolve_mode("auto")[0] == "offline"
    assert time.monotonic() - began < 2
    released.set()


def test_auto_trusts_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "https://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert resolve_mode("auto")[0] == "online"


def test_auto_obeys_the_stored_choice_to_stay_offline(tmp_path: Path) -> None:
    stored = tmp_path / "home" / "CONFIG"
    stored.mkdir()
    (stored / "settings").write_text("[default]\nmode = offline\n")
    assert resolve_mode("auto") == ("offline", "set by `wandb offline`")


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_a_malformed_key_is_the_users_error(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "too-short")
    with pytest.raises(UsageError, match="WANDB_API_KEY invalid") as caught:
        resolve_mode(mode)
    assert "\n" not in caught.value.message


def test_a_malformed_variable_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "nowhere")
    with pytest.raises(UsageError, match="base_url: Input should be a valid URL"):
        resolve_mode("auto")


def test_online_without_a_key_is_the_users_error() -> None:
    with pytest.raises(UsageError, match=r"wandb\.mode is online, but there is no") as caught:
        resolve_mode("online")
    assert "wandb login" in (caught.value.hint or "")


def test_a_project_name_that_wandb_refuses_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WandbConfig("offline", "a/b", None, None, [])
    with pytest.raises(UsageError, match="Invalid project name 'a/b'"):
        WandbRun(settings, folder=tmp_path, name="x", config={})


@pytest.mark.parametrize(
    ("value", "mode"),
    [("offline", "offline"), ("dryrun", "offline"), ("disabled", "disabled")],
)
def test_the_environment_beats_the_settings(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch, value: str, mode: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", value)
    for asked in ("auto", "online", "offline", "disabled"):
        assert resolve_mode(asked) == (mode, "set by WANDB_MODE")


@pytest.mark.parametrize("value", ["online", "run"])
def test_the_environment_can_ask_for_online(
    server: StubWandb, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", value)
    assert resolve_mode("disabled") == ("online", "set by WANDB_MODE")


def test_an_unknown_mode_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "ofline")
    with pytest.raises(UsageError, match="WANDB_MODE must be one of") as caught:
        resolve_mode("auto")
    assert caught.value.hint == "did you mean 'offline'?"


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


def test_a_network_that_dies_does_not_hold_the_run_up(
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
from runner.tracking.wandb_run import WandbRun

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
def test_a_dead_client_costs_one_run_its_wandb_and_no_more(tmp_path: Path) -> None:
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
from runner.tracking.wandb_run import WandbRun

settings = WandbConfig("auto", "vaerun", None, None, [])
config = {"beta": float(sys.argv[1].removeprefix("beta="))}
with WandbRun(settings, folder=Path(), name="x", config=config, run_id="asked") as run:
    run.log({"loss": 1.0}, 0)
    Path("id.txt").write_text(run.id)
"""


def test_a_wandb_agent_names_the_run(server: StubWandb, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(AGENT_RUN)
    command = [sys.executable, "train.py", "${args_no_hyphens}"]
    (tmp_path / "sweep.yaml").write_text(
        f"method: grid\nparameters: {{beta: {{values: [4]}}}}\ncommand: {command}\n"
    )
    for words in (["sweep", "--project", "vaerun", "sweep.yaml"], ["agent", "local/vaerun/sweep0"]):
        subprocess.run(
            [sys.executable, "-m", "wandb", *words],
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
