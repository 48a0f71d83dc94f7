"""Jobs of Slurm: arguments of sbatch, its errors, and what a job runs."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from runner import config
from runner.config.launcher_schema import SlurmLauncherConfig
from runner.errors import InterruptedRun, UsageError, VaerunError
from runner.grid import GridFolder, Job, Progress
from runner.grid.launchers import require, workers_of
from runner.grid.slurm import Worker, launch

SBATCH = """#!/bin/sh
cp "$1" {folder}/submitted.sh
env > {folder}/environment
echo "Submitted batch job 77"
"""
REFUSING = """#!/bin/sh
echo "sbatch: error: invalid partition specified: nowhere" >&2
echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2
exit 1
"""

STOPPING = """#!/bin/sh
echo RUNNING
[ -e {folder}/once ] || kill -TERM $PPID
touch {folder}/once
"""


def settings(*arguments: str) -> SlurmLauncherConfig:
    chosen = config.launcher("slurm", [f"launcher.{override}" for override in arguments])
    assert isinstance(chosen, SlurmLauncherConfig)
    return chosen


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text.format(folder=folder))
    path.chmod(0o755)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of stubs of Slurm's programs, first on the path."""
    program(tmp_path, "sbatch", SBATCH)
    program(tmp_path, "srun", "#!/bin/sh\n")
    program(tmp_path, "squeue", "#!/bin/sh\necho squeue >> {folder}/calls\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=400, _environ={})


@pytest.fixture
def job(tmp_path: Path) -> Job:
    runs = [(f"seed={seed}",) for seed in range(3)]
    grid, indices = GridFolder.register(tmp_path / "sweep-toy", "toy", runs)
    return Job(grid.path, tuple(indices))


def submit(job: Job, console: Console, *arguments: str) -> None:
    launch(job, settings(*arguments), Progress(console, ["a", "b", "c"], 3))


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_sbatch_is_given_an_array_of_no_more_jobs_than_runs(
    cluster: Path, job: Job, console: Console
):
    arguments = (
        "jobs=16",
        "minutes=90",
        "cpus=6",
        "gpus=2",
        "memory=1.5",
        "partition=long",
        "qos=low",
    )
    more = ("account=us", "constraint=a100|h100", "parallel=2", "grace=200", "wait=false")
    submit(job, console, *arguments, *more, "extra={nice: 10}", "setup=[module load cuda]")
    script = (cluster / "submitted.sh").read_text()
    for option in (
        "array=0-2%2",
        "job-name=sweep-toy",
        "time=90",
        "cpus-per-task=6",
        "gpus-per-node=2",
        "mem=1536M",
        "partition=long",
        "qos=low",
        "account=us",
        "constraint='a100|h100'",
        "nice=10",
        "signal=USR2@200",
    ):
        assert f"#SBATCH --{option}\n" in script
    assert "\nmodule load cuda\n" in script
    assert "srun" in script
    assert " --cpus-per-task=6 " in script.splitlines()[-1]
    assert "3 jobs submitted: 77; their logs:" in said(console)
    assert not (cluster / "calls").exists()


def test_settings_that_are_null_are_left_to_the_cluster(cluster: Path, job: Job, console: Console):
    submit(job, console, "jobs=1", "gpus=0", "wait=false")
    script = (cluster / "submitted.sh").read_text()
    for option in ("gpus", "mem", "partition", "account", "qos", "constraint", "array"):
        assert f"#SBATCH --{option}" not in script


def test_processes_share_a_job(cluster: Path, job: Job, console: Console):
    submit(job, console, "jobs=16", "processes=2", "wait=false")
    assert "#SBATCH --array=0-1%2\n" in (cluster / "submitted.sh").read_text()
    assert workers_of(settings("jobs=16", "processes=2", "parallel=5"), "auto") == 10


def test_a_rejected_job_is_reported_in_one_line(
    cluster: Path, job: Job, console: Console, capfd: pytest.CaptureFixture[str]
):
    program(cluster, "sbatch", REFUSING)
    with pytest.raises(UsageError) as caught:
        submit(job, console, "partition=nowhere")
    reason = "Batch job submission failed: Invalid partition name specified"
    assert caught.value.message == f"Slurm takes no such job: {reason}"
    assert capfd.readouterr() == ("", "")


def test_jobs_that_leave_unfinished_runs_are_an_error(cluster: Path, job: Job, console: Console):
    grid = GridFolder.open(job.path)
    grid.mark(0, "finished", None)
    with pytest.raises(VaerunError, match="the jobs are over, with 2 runs left") as caught:
        submit(job, console)
    assert caught.value.exit_code == 1
    assert str(caught.value.hint) == f"their logs: {job.path / 'slurm'}"
    assert (cluster / "calls").read_text() == "squeue\n"
    assert said(console).splitlines()[1].split() == ["1", "of", "3", "done", "0", "a"]


def test_a_signal_prints_how_to_stop_the_jobs(cluster: Path, job: Job, console: Console):
    text = (
        "#!/bin/sh\necho RUNNING\n[ -e {folder}/once ] || kill -TERM $PPID\ntouch {folder}/once\n"
    )
    program(cluster, "squeue", text)
    with pytest.raises(InterruptedRun) as caught:
        submit(job, console)
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert caught.value.message == "no longer watching; the jobs go on"
    assert caught.value.hint == "scancel 77 stops them, after checkpoints"


def test_a_job_does_not_inherit_settings_of_the_submitting_job(
    cluster: Path, job: Job, console: Console, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SLURM_CONF", "/site/slurm.conf")
    monkeypatch.setenv("SBATCH_ACCOUNT", "us")
    submit(job, console, "wait=false")
    outside = (cluster / "environment").read_text()
    assert "SLURM_CONF=/site/slurm.conf" in outside
    assert "SBATCH_ACCOUNT=us" in outside
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "64")
    submit(job, console, "wait=false")
    inside = (cluster / "environment").read_text()
    assert "SLURM_CONF=/site/slurm.conf" in inside
    assert "SLURM_JOB_ID" not in inside
    assert "SLURM_CPUS_PER_TASK" not in inside
    assert os.environ["SLURM_JOB_ID"] == "5"


def test_without_submitit_the_error_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError) as caught:
        require(settings())
    assert caught.value.message == "launcher=slurm needs submitit"
    assert caught.value.hint == "pip install 'vaerun[slurm]'"


def test_without_slurm_the_error_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        require(settings())
    assert caught.value.message == "launcher=slurm needs sbatch, which this machine does not have"
    assert caught.value.hint == "start it on a login node of the cluster"
    require(settings("executor=local"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("minutes=0", "launcher.minutes must be at least 1, got 0"),
        ("jobs=0", "launcher.jobs must be at least 1, got 0"),
        ("gpus=-1", "launcher.gpus must be at least 0, got -1"),
        ("grace=14400", "launcher.grace must be 10 to 14399 seconds, got 14400"),
        ("executor=pbs", "launcher.executor must be one of slurm, local, got pbs"),
    ],
)
def test_settings_that_no_cluster_can_use_are_refused(override: str, message: str):
    with pytest.raises(UsageError) as caught:
        settings(override)
    assert caught.value.message == message


def test_a_requeued_job_runs_the_same_worker(job: Job, tmp_path: Path):
    worker = Worker(job, processes=2, cpus=4, place=tmp_path)
    again = worker.checkpoint()
    assert again.function == worker
    assert (again.args, again.kwargs) == ((), {})
    assert pickle.loads(pickle.dumps(worker)) == worker
