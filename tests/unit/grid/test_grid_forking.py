"""The process that forks workers: what they share, how they end, and what happens without it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.dataset import keep, kept_ones
from runner.dataset.kept import loads
from runner.grid import GridFolder, preloading
from runner.grid.forking import Forker, ForkServer, ServerGoneError
from runner.grid.processes import Process

SETTINGS = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[8]", "prior=normal",
    "prior.dimensions=2", "steps=1000000", "training.record_every=1", "metrics=none",
    "wandb.mode=disabled", "training.compile=false",
)  # fmt: skip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


def job_of(path: Path, *places: str) -> dict[str, Any]:
    runs = [(*SETTINGS, f"seed={seed}") for seed in range(3)]
    grid, indices = GridFolder.register(path, None, runs)
    return {"path": str(grid.path), "indices": indices, "places": places, "device": "cpu"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return job_of(tmp_path_factory.mktemp("forking") / "grid")


@pytest.fixture(scope="module")
def server(job: dict[str, Any]) -> Iterator[ForkServer]:
    server = ForkServer(job)
    try:
        assert server.ready() == {"device": "cpu", "forks": True}
        yield server
    finally:
        server.close()


def first_event(worker: Process) -> dict[str, Any]:
    read = b""
    while not read.endswith(b"\n"):
        read += os.read(worker.events, 1000)
    return json.loads(read)


def pid_of(job: dict[str, Any], number: int) -> int:
    """The process that has begun a run, once it has made steps."""
    run = Path(job["path"]) / str(number)
    deadline = time.monotonic() + 60
    while not (run / "metrics.jsonl").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(json.loads((run / "status.json").read_text())["pid"])


def private_megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = [line.split() for line in text.splitlines() if line.startswith("Private_")]
    return sum(int(words[1]) for words in found) / 1024


def test_a_worker_shares_what_the_server_holds_and_its_end_is_told(
    server: ForkServer, job: dict[str, Any]
):
    worker = server.start(2, {"indices": [0]})
    try:
        assert first_event(worker) == {"begin": 0}
        pid = pid_of(job, 0)
        assert pid != server.pid
        assert os.getsid(pid) == pid  # a Ctrl-C at a terminal does not reach it
        assert private_megabytes(pid) < 150  # a worker from scratch: more than 300
        status = json.loads((Path(job["path"]) / "0" / "status.json").read_text())
        assert status["device"] == "cpu (2 threads)"
    finally:
        worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    assert not Path(f"/proc/{pid}").exists()  # it is no zombie


def test_a_worker_stops_after_ctrl_c_with_a_checkpoint(server: ForkServer, job: dict[str, Any]):
    worker, other = (server.start(1, {"indices": [number]}) for number in (1, 2))
    pid_of(job, 1), pid_of(job, 2)
    other.send_signal(signal.SIGINT)
    assert other.wait() == 130
    grid = GridFolder.open(Path(job["path"]))
    assert [grid.state(number).state for number in (1, 2)] == ["running", "interrupted"]
    assert list((grid.run_path(2) / "checkpoint").glob("*.safetensors"))
    worker.send_signal(signal.SIGINT)
    assert worker.wait() == 130


def test_a_signal_before_the_worker_is_set_up_is_not_lost(server: ForkServer):
    worker = server.start(1, {"indices": [0]})
    worker.send_signal(signal.SIGINT)
    assert worker.wait() == 130


def test_a_server_is_ended_while_it_imports(job: dict[str, Any]):
    forker = Forker(job)
    forker.hurry()
    with pytest.raises(InterruptedError):
        forker.ready()
    with pytest.raises(InterruptedError):
        forker.start()
    forker.close()


def test_without_a_server_workers_are_processes_from_scratch(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    def gone(_server: ForkServer, *_: object) -> Process:
        raise ServerGoneError

    monkeypatch.setattr(ForkServer, "start", gone)
    monkeypatch.setattr(ForkServer, "ready", lambda _: {"device": "cpu", "forks": True})
    forker = Forker({**job, "path": str(Path(job["path"]) / "nowhere")})
    worker = forker.start()
    forker.close()
    assert os.read(worker.events, 100) == b""
    assert worker.wait() == 2  # there is no such grid


def test_each_dataset_of_a_job_is_loaded_once(tmp_path: Path):
    runs = [(f"dataset={name}", f"seed={n}") for name in ("digits", "pinwheel") for n in (0, 1)]
    grid, indices = GridFolder.register(tmp_path / "two", None, runs)
    job = {"path": str(grid.path), "indices": indices, "places": (), "device": "cpu"}
    keep(0)
    before = loads()
    try:
        assert set(preloading.devices(job)) == {"cpu"}
        assert loads() - before == kept_ones() == 2
    finally:
        keep(0)
