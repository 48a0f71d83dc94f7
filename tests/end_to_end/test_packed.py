"""Runs of a grid that train together: how the pack is stopped, killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_grid import states, train_on, workers_of, write_sweep
from tests.end_to_end.test_run import read

ARGUMENTS = ["sweep=both", "launcher=packed", "launcher.processes=1", "launcher.threads=1"]
BASE = """
parameters:
  dataset: {value: digits}
  architecture.widths: {value: [8]}
  prior.dimensions: {value: 4}
  steps: {value: 120}
  training.record_every: {value: 10}
  metrics: {value: none}
  evaluation.map_points: {value: 20}
  evaluation.traversal_steps: {value: 2}
  device: {value: cpu}
"""
BOTH = """
name: both
blocks:
  - {sweep: base.yaml, zip: {objective: [vae, hfvae, vae], learning_rate: [0.001, 0.002, 1e8]}}
"""


def last_step(run: Path) -> int:
    file = run / "metrics.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def wait_until_trained(process: subprocess.Popen[bytes], run: Path, step: int) -> None:
    deadline = time.monotonic() + 200
    while last_step(run) < step:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """The folder of two runs that train well, and one that diverges."""
    write_sweep(tmp_path, "base", BASE)
    write_sweep(tmp_path, "both", BOTH)
    return tmp_path / "outputs" / "sweep-both"


def assert_trained(grid: Path) -> None:
    assert states(grid) == {0: "finished", 1: "finished", 2: "diverged"}
    for name, others in (("0", "1, 2"), ("1", "0, 2")):
        assert f"trained with  runs {others}\n" in (grid / name / "log.txt").read_text()
        assert [r["step"] for r in records(grid / name)] == [1, *range(10, 121, 10)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes through /proc")
def test_where_the_process_of_a_pack_is_killed_each_run_goes_on_alone(grid: Path, tmp_path: Path):
    process = train_on(ARGUMENTS, tmp_path)
    wait_until_trained(process, grid / "1", 10)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    assert process.wait(timeout=300) == 1  # for the one that diverged
    assert_trained(grid)
    logs = [(grid / name / "log.txt").read_text() for name in "01"]
    assert [log.count("trained with") for log in logs] == [1, 1]
    assert [log.count("steps  0 to 120") for log in logs] == [2, 2]


@pytest.mark.slow
def test_a_pack_that_is_stopped_goes_on_as_a_pack(grid: Path, tmp_path: Path):
    process = train_on(ARGUMENTS, tmp_path)
    wait_until_trained(process, grid / "0", 10)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=300) == 130
    assert states(grid) == {0: "interrupted", 1: "interrupted", 2: "diverged"}
    stood = {read(grid / name / "checkpoint" / "state.json")["state"]["step"] for name in "01"}
    assert len(stood) == 1
    assert 10 <= stood.pop() < 120
    process = train_on(["resume", "outputs/sweep-both", *ARGUMENTS[1:]], tmp_path)
    assert process.wait(timeout=300) == 1  # for the one that diverged
    assert_trained(grid)
    logs = [(grid / name / "log.txt").read_text() for name in "01"]
    assert [log.count("trained with") for log in logs] == [2, 2]


def records(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
