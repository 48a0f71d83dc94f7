"""A grid on a cluster: the same runs, to the last bit, however often its jobs are stopped.

submitit's local executor plays Slurm: it starts the same jobs, and starts a job again that asks to
be put back into the queue; the signals are those that Slurm would send. Ray runs on this machine
alone, where it is installed: ``pip install -e '.[ray]'``, and then
``pytest tests/end_to_end/test_launchers.py -k ray``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_resume import outcome, start, wait_for
from tests.end_to_end.test_run import SMALL

GRID = (*SMALL, "seed=0,1", "steps=300", "training.record_every=1", "sweep_name=toy")
SLURM = ("launcher=slurm", "launcher.executor=local", "launcher.gpus=0", "launcher.cpus=1")
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra 'ray' is not installed"
)


def grid_of(folder: Path) -> Path:
    return folder / "outputs" / "sweep-toy"


def outcomes(folder: Path) -> list[dict[str, Any]]:
    return [outcome(grid_of(folder) / str(number)) for number in range(2)]


def status(run: Path) -> dict[str, Any]:
    path = run / "status.json"
    return json.loads(path.read_text()) if path.exists() else {}


def parent(process: int) -> int:
    """The parent of a process: in a job, the one that gets the scheduler's signals."""
    parent = subprocess.check_output(["ps", "-o", "ppid=", "-p", str(process)], text=True)
    return int(parent)


def is_training(run: Path) -> bool:
    path = run / "metrics.jsonl"
    return path.exists() and len(path.read_text().splitlines()) >= 20


def logs(folder: Path) -> str:
    return "".join(path.read_text() for path in (grid_of(folder) / "slurm").glob("*.out"))


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of the runs on this machine, trained one after the other."""
    folder = tmp_path_factory.mktemp("local")
    process = start(folder, "-m", *GRID, "launcher.processes=1", "launcher.threads=1")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return outcomes(folder)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the grid in jobs, none of which outlives the test."""
    processes = list[subprocess.Popen[str]]()

    def begin(*arguments: str) -> subprocess.Popen[str]:
        processes.append(start(tmp_path, "-m", *GRID, *arguments))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_jobs_of_slurm_give_the_same_results(
    vaerun: Vaerun, tmp_path: Path, expected: list[dict[str, Any]]
):
    done = vaerun("-m", *GRID, *SLURM, "launcher.jobs=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "outputs/sweep-toy\n"
    assert "2 jobs submitted: " in done.stderr
    assert outcomes(tmp_path) == expected


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGUSR2], [signal.SIGTERM, signal.SIGUSR2]],
    ids=["time limit", "preemption"],
)
def test_a_job_that_is_stopped_goes_on_from_a_checkpoint(
    started: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    expected: list[dict[str, Any]],
    signals: list[signal.Signals],
):
    process = started(*SLURM, "launcher.jobs=1")
    first = grid_of(tmp_path) / "0"
    wait_for(process, lambda: is_training(first))
    worker = int(status(first)["pid"])
    server = parent(worker)  # which forks the workers of the job
    job = parent(server)
    for number in signals:
        for each in (job, server, worker):  # some schedulers signal every process of a job
            os.kill(each, number)
    wait_for(process, lambda: status(first)["state"] == "interrupted")
    stopped = status(first)
    assert 20 <= stopped["step"] < 300
    assert stopped["error"] == f"interrupted at step {stopped['step']} of 300, after a checkpoint"
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "Requeued job" in logs(tmp_path)
    assert status(first)["pid"] != stopped["pid"]
    assert outcomes(tmp_path) == expected


def test_a_job_that_is_told_to_end_writes_a_checkpoint_and_waits(
    started: Callable[..., subprocess.Popen[str]], vaerun: Vaerun, tmp_path: Path
):
    process = started(*SLURM, "launcher.jobs=1")
    first = grid_of(tmp_path) / "0"
    wait_for(process, lambda: is_training(first))
    job = parent(parent(int(status(first)["pid"])))
    os.kill(job, signal.SIGTERM)
    wait_for(process, lambda: status(first)["state"] == "interrupted")
    assert status(first)["step"] >= 20
    os.kill(job, 0)  # a job that had exited by itself would not be requeued
    assert not status(grid_of(tmp_path) / "1")
    os.kill(job, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: the jobs are over, with 2 runs left" in said


def test_without_wait_the_runs_are_found_later(
    vaerun: Vaerun, tmp_path: Path, expected: list[dict[str, Any]]
):
    done = vaerun("-m", *GRID, *SLURM, "launcher.jobs=2", "launcher.wait=false")
    assert done.returncode == 0, done.stderr
    assert "2 waiting" in done.stderr or "running" in done.stderr
    runs = [grid_of(tmp_path) / str(number) for number in range(2)]
    eventually(lambda: all(status(run).get("state") == "finished" for run in runs))
    states = vaerun("-m", *GRID, "--dry-run").stdout
    assert states.splitlines() == ["0\tfinished\tseed=0", "1\tfinished\tseed=1"]
    assert outcomes(tmp_path) == expected


def test_without_slurm_the_error_is_one_line(vaerun: Vaerun):
    done = vaerun("-m", *GRID, "launcher=slurm", PATH="/nonexistent")
    assert done.returncode == 2
    assert "error: launcher=slurm needs sbatch, which this machine does not have" in done.stderr
    assert "Traceback" not in done.stderr


@needs_ray
def test_tasks_of_ray_give_the_same_results(
    vaerun: Vaerun, tmp_path: Path, expected: list[dict[str, Any]]
):
    done = vaerun("-m", *GRID, "launcher=ray", "launcher.workers=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "outputs/sweep-toy\n"
    assert outcomes(tmp_path) == expected


@needs_ray
def test_ctrl_c_reaches_the_tasks_of_ray(
    started: Callable[..., subprocess.Popen[str]],
    vaerun: Vaerun,
    tmp_path: Path,
    expected: list[dict[str, Any]],
):
    process = started("launcher=ray", "launcher.workers=2")
    runs = [grid_of(tmp_path) / str(number) for number in range(2)]
    wait_for(process, lambda: all(is_training(run) for run in runs))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "go on with: vaerun resume" in said
    assert [status(run)["state"] for run in runs] == ["interrupted"] * 2
    assert all(20 <= status(run)["step"] < 300 for run in runs)
    done = vaerun("resume", str(grid_of(tmp_path)), "launcher.processes=2", "launcher.threads=1")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == expected
