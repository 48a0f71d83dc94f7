"""The launcher of Slurm clusters: jobs, each of which starts workers as ``launcher=local`` does.

A job that reaches its time limit, or is preempted, stops its workers after a checkpoint and is
requeued; its unfinished runs are trained by whichever job locks them first.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.config.launcher_schema import SlurmLauncherConfig
from runner.errors import InterruptedRun, UsageError, VaerunError
from runner.grid.follow import Follower
from runner.grid.job import Job
from runner.grid.local import launch_in_job
from runner.grid.pack_size import pack_size
from runner.grid.progress import Progress
from runner.store.confined import confined

if TYPE_CHECKING:
    from submitit import helpers
    from submitit.core import core

_NOTICE = signal.SIGUSR2
"""The signal that submitit has Slurm send to a job shortly before its time limit."""

_PATIENCE_SECONDS = 600.0
"""How long a job that was told to end waits to be killed. Slurm counts a job that exits earlier as
failed, and does not requeue it."""

_SECONDS_BETWEEN_CHECKS = 30.0

_IMPORTS = ("export PYTHONSAFEPATH=1",)
"""Lines of shell with which the Python of a job imports nothing from the current folder."""


def launch(job: Job, settings: SlurmLauncherConfig, progress: Progress) -> None:
    """Submit jobs that train the runs, and follow them unless ``wait`` is false.

    Raises:
        InterruptedRun: after a signal; the jobs go on.
        UsageError: Slurm is not installed, or rejects the jobs.
        VaerunError: the jobs have ended, and some runs are not trained.
    """
    require(settings)
    logs = confined(job.path / "slurm", job.path)
    with Follower(job, progress) as follower:
        jobs = _submit(job, settings, logs)
        names = " ".join(dict.fromkeys(each.job_id.split("_")[0] for each in jobs))
        progress.note(f"{_counted(len(jobs), 'job')} submitted: {names}; their logs: {logs}")
        if not settings.wait:
            progress.note("--dry-run in place of launcher.* says how the runs are")
            return
        stopped = follower.follow(_working(jobs, names.split(), settings))
        if stopped is not None:
            stop = "kill" if settings.executor == "local" else "scancel"
            hint = f"{stop} {names} stops them, after checkpoints"
            raise InterruptedRun("no longer watching; the jobs go on", hint, stopped)
        if left := follower.abandoned():
            counted = _counted(len(left), "run")
            raise VaerunError(f"the jobs are over, with {counted} left", f"their logs: {logs}")


def workers_of(settings: SlurmLauncherConfig) -> int:
    """Return how many runs train at the same time, once all jobs have begun."""
    return min(settings.jobs, settings.parallel or settings.jobs) * settings.processes


def require(settings: SlurmLauncherConfig) -> None:
    """Check that jobs can be submitted from this machine.

    Raises: UsageError naming what is missing.
    """
    if importlib.util.find_spec("submitit") is None:
        raise UsageError("launcher=slurm needs submitit", "pip install 'vaerun[slurm]'")
    if settings.executor == "slurm":
        for program in ("sbatch", "srun", "squeue"):
            if shutil.which(program) is None:
                message = f"launcher=slurm needs {program}, which this machine does not have"
                raise UsageError(message, "start it on a login node of the cluster")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _submit(job: Job, settings: SlurmLauncherConfig, logs: Path) -> list[core.Job[None]]:
    """Submit the jobs, as one array if there are several, and return them.

    Raises: UsageError with the reason that Slurm prints.
    """
    import submitit
    from submitit.core import utils

    kind = submitit.SlurmExecutor if settings.executor == "slurm" else submitit.LocalExecutor
    executor = kind(logs, max_num_timeout=settings.requeues)
    executor.update_parameters(**_parameters(settings, job.path.name))
    pack = pack_size(settings.pack, job, workers_of(settings), on_gpu=settings.gpus > 0)
    here = replace(job, path=job.path.resolve(), pack=pack)
    worker = Worker(here, settings.processes, settings.cpus, Path.cwd())
    count = min(settings.jobs, -(-len(job.indices) // settings.processes))
    try:
        with _outside_of_jobs(), redirect_stderr(StringIO()), executor.batch():
            return [executor.submit(worker) for _ in range(count)]
    except (utils.FailedJobError, utils.FailedSubmissionError) as error:
        last = (str(error).splitlines() or ["it does not say why"])[-1]
        reason = last.removeprefix("sbatch: ").removeprefix("error: ")
        raise UsageError(f"Slurm takes no such job: {reason}") from error


@contextmanager
def _outside_of_jobs() -> Generator[None]:
    """Hide the Slurm job that this process may run in, whose settings new jobs would inherit."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    from submitit.helpers import clean_env

    kept = {name: os.environ[name] for name in ("SLURM_CONF",) if name in os.environ}
    with clean_env():
        os.environ.update(kept)  # this belongs to the cluster, not to the job
        yield


def _parameters(settings: SlurmLauncherConfig, name: str) -> dict[str, Any]:
    """Return the parameters for submitit; what is None is left to the cluster."""
    shared: dict[str, Any] = {
        "gpus_per_node": settings.gpus,
        "signal_delay_s": settings.grace,
        "setup": settings.setup,
    }
    if settings.executor == "local":
        return {**shared, "timeout_min": settings.minutes}
    memory = None if settings.memory is None else f"{round(1024 * settings.memory)}M"
    parameters: dict[str, Any] = {
        **shared,
        "setup": [*_IMPORTS, *settings.setup],
        "gpus_per_node": settings.gpus or None,
        "job_name": name,
        "time": settings.minutes,
        "cpus_per_task": settings.cpus,
        "srun_args": [f"--cpus-per-task={settings.cpus}"],  # which srun does not take from sbatch
        "mem": memory,
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "constraint": settings.constraint,
        "array_parallelism": settings.parallel or settings.jobs,
        "additional_parameters": settings.extra,
    }
    return {key: value for key, value in parameters.items() if value is not None}


def _working(
    jobs: Sequence[core.Job[None]], names: Sequence[str], settings: SlurmLauncherConfig
) -> Callable[[], bool]:
    """Return a function that says whether any job waits or runs; it calls ``squeue`` rarely."""
    if settings.executor == "local":
        return lambda: not all(job.done() for job in jobs)
    checked, last = -_SECONDS_BETWEEN_CHECKS, True

    def working() -> bool:
        nonlocal checked, last
        if time.monotonic() - checked >= _SECONDS_BETWEEN_CHECKS:
            last, checked = _queued(names), time.monotonic()
        return last

    return working


def _queued(names: Sequence[str]) -> bool:
    """Return whether any of the jobs is queued or running; True if Slurm does not answer."""
    command = ["squeue", "--noheader", "--format=%T", f"--jobs={','.join(names)}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return "Invalid job id" not in done.stderr
    return bool(done.stdout.strip())


@dataclass(frozen=True)
class Worker:
    """The function that a job runs; submitit passes it to the job as a pickled file."""

    job: Job
    processes: int
    cpus: int
    place: Path
    """The folder that relative paths in settings refer to."""

    def __call__(self) -> None:
        """Train runs until none is left; at a notice, let submitit requeue the job.

        Raises: InterruptedRun when the job was told to end, but was neither requeued nor killed.
        """
        os.chdir(self.place)
        requeue = signal.getsignal(_NOTICE)  # submitit's handler, which requeues the job
        noticed = list[int]()

        def notice(number: int, _frame: object) -> None:
            noticed.append(number)
            signal.raise_signal(signal.SIGTERM)

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(_NOTICE, notice)
        try:
            launch_in_job(self.job, self.processes, self.cpus)
        except (InterruptedRun, KeyboardInterrupt):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not noticed and time.monotonic() < deadline:
                time.sleep(0.2)
            if noticed and callable(requeue):
                requeue(_NOTICE, None)
            raise

    def checkpoint(self) -> helpers.DelayedSubmission:
        """Return what the job runs after it was requeued: this worker again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
