"""The launcher of Ray clusters: tasks, each of which starts workers as ``launcher=local`` does."""

from __future__ import annotations

import importlib
import importlib.util
import os
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.config.launcher_schema import RayLauncherConfig
from runner.errors import InterruptedRun, UsageError, VaerunError
from runner.grid.follow import Follower
from runner.grid.job import Job
from runner.grid.local import launch_in_job
from runner.grid.pack_size import pack_size
from runner.grid.progress import Progress

_STORE_BYTES = 100 * 2**20
"""Only small texts go through Ray's object store."""

_RETRIES = 10
"""How often a task is restarted after its node was lost."""

_SECONDS_TO_STOP = 300.0


def launch(job: Job, settings: RayLauncherConfig, progress: Progress) -> None:
    """Train the runs of a job as tasks of Ray, and return when no run is left to train.

    Raises:
        InterruptedRun: after a signal; every run in progress has written a checkpoint.
        UsageError: Ray is not installed, there is no cluster at the address, or no node is large
            enough for a task.
        VaerunError: the tasks have ended, and some runs are not trained.
    """
    require(settings)
    with _Tasks(settings) as tasks, Follower(job, progress) as follower:
        progress.note(tasks.submit(job))
        stopped = follower.follow(lambda: bool(tasks.open(seconds=0)))
        if stopped is not None:
            progress.note("stopping: each run finishes its step; once more to stop at once")
            tasks.cancel()
            hint = f"go on with: vaerun resume {job.path}"
            raise InterruptedRun("interrupted, after checkpoints", hint, stopped)
        if left := follower.abandoned():
            message = f"the tasks are over, with {len(left):,} of the runs left"
            raise VaerunError(message, tasks.failure())


def require(_settings: RayLauncherConfig) -> None:
    """Check that Ray is installed.

    Raises: UsageError with the command that installs it.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("launcher=ray needs Ray", "pip install 'vaerun[ray]'")


def workers_of(settings: RayLauncherConfig) -> int:
    """Return how many runs train at the same time.

    Raises: VaerunError when that depends on the room in the cluster.
    """
    if settings.workers is None:
        raise VaerunError("the number of tasks depends on the room in the cluster")
    return settings.workers * settings.processes


def work(job: Job, settings: RayLauncherConfig, place: str) -> None:
    """Train runs until none is left, as a task of Ray; relative paths start from ``place``.

    Raises: InterruptedRun when the task is cancelled, after checkpoints of the runs in progress.
    """
    os.chdir(place)
    launch_in_job(job, settings.processes, settings.cpus)


class _Tasks:
    """Tasks of a Ray cluster; within its context this process is connected to the cluster."""

    def __init__(self, settings: RayLauncherConfig) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Ray hides GPUs from tasks that request none; a run chooses its device itself.
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        self._ray: Any = importlib.import_module("ray")
        self._settings = settings
        self._tasks: list[Any] = []

    def __enter__(self) -> _Tasks:
        address = self._settings.address
        alone = {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
        try:
            with chdir("/"):  # Ray has its tasks import from the folder that it is started in
                self._ray.init(
                    address=address or "local",
                    log_to_driver=False,
                    logging_level="error",
                    **({} if address else alone),
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = next(iter(str(error).splitlines()), "no answer")
            hint = "launcher.address=null starts Ray on this machine"
            raise UsageError(f"no Ray at '{address}': {first}", hint) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def submit(self, job: Job) -> str:
        """Submit ``workers`` tasks, or as many as fit on the cluster; return a line that says so.

        Raises: UsageError when no node is large enough for one task.
        """
        settings = self._settings
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        room = sum(_room(node, settings) for node in nodes)
        if room == 0:
            needed = f"{settings.cpus} CPU cores and {settings.gpus:g} GPUs"
            hint = "ask for less with launcher.cpus and launcher.gpus"
            raise UsageError(f"no node of Ray has {needed}", hint)
        count = min(settings.workers or room, -(-len(job.indices) // settings.processes))
        resources = {"num_cpus": settings.cpus, "num_gpus": settings.gpus, "max_retries": _RETRIES}
        task = self._ray.remote(**resources)(work)
        workers = count * settings.processes
        pack = pack_size(settings.pack, job, workers, on_gpu=settings.gpus > 0)
        here = replace(job, path=job.path.resolve(), pack=pack)
        self._tasks = [task.remote(here, settings, str(Path.cwd())) for _ in range(count)]
        return f"{count:,} at a time, as tasks of Ray; nodes: {len(nodes):,}"

    def open(self, seconds: float) -> list[Any]:
        """Return the tasks that have not ended after ``seconds``."""
        count = len(self._tasks)
        return self._ray.wait(self._tasks, num_returns=count, timeout=seconds)[1]

    def cancel(self) -> None:
        """Stop every task after a checkpoint, and wait until they have ended."""
        for task in self.open(seconds=0):
            self._ray.cancel(task)
        self.open(_SECONDS_TO_STOP)

    def failure(self) -> str | None:
        """Return the last line of the error of the first failed task, or None."""
        for task in self._tasks:
            try:
                self._ray.get(task, timeout=0)
            except self._ray.exceptions.RayError as error:
                return (str(error).strip().splitlines() or [None])[-1]
        return None


def _room(resources: dict[str, float], settings: RayLauncherConfig) -> int:
    """Return how many tasks fit on a node."""
    fitting = resources.get("CPU", 0) // settings.cpus
    if settings.gpus:
        fitting = min(fitting, resources.get("GPU", 0) // settings.gpus)
    return int(fitting)
