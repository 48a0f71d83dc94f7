"""The launchers: where the workers of a grid are started."""

from __future__ import annotations

from runner.config import LauncherConfig, LocalLauncherConfig
from runner.config.launcher_schema import RayLauncherConfig, SlurmLauncherConfig
from runner.grid.job import Job
from runner.grid.pack_size import pack_size
from runner.grid.progress import Progress


def require(settings: LauncherConfig) -> None:
    """Check, before anything is written, that workers can be started from this machine.

    Raises: UsageError naming what is missing.
    """
    if isinstance(settings, SlurmLauncherConfig):
        from runner.grid import slurm

        slurm.require(settings)
    elif isinstance(settings, RayLauncherConfig):
        from runner.grid import ray

        ray.require(settings)


def launch(job: Job, settings: LauncherConfig, device: str, progress: Progress) -> None:
    """Train the runs of a job with a launcher, and return when no run is left to train.

    ``device`` is the setting of the runs. With ``launcher=slurm launcher.wait=false`` it returns
    once the jobs are in the queue.

    Raises: InterruptedRun after a signal; VaerunError when no worker can start.
    """
    if isinstance(settings, LocalLauncherConfig):
        from runner.grid import local

        local.launch(job, settings, device, progress)
    elif isinstance(settings, SlurmLauncherConfig):
        from runner.grid import slurm

        slurm.launch(job, settings, progress)
    elif isinstance(settings, RayLauncherConfig):
        from runner.grid import ray

        ray.launch(job, settings, progress)
    else:
        raise TypeError(f"no launcher takes {type(settings).__name__}")


def workers_of(settings: LauncherConfig, device: str) -> int:
    """Return how many runs train at the same time.

    Raises: VaerunError when that is not known beforehand.
    """
    if isinstance(settings, LocalLauncherConfig):
        from runner.grid import local

        return settings.processes or local.fitting(device)
    if isinstance(settings, SlurmLauncherConfig):
        from runner.grid import slurm

        return slurm.workers_of(settings)
    if isinstance(settings, RayLauncherConfig):
        from runner.grid import ray

        return ray.workers_of(settings)
    raise TypeError(f"no launcher takes {type(settings).__name__}")


def pack_of(settings: LauncherConfig, job: Job, device: str) -> int:
    """Return how many runs of a job a worker trains together at most.

    Raises: VaerunError when that is not known beforehand.
    """
    if isinstance(settings, LocalLauncherConfig):
        from runner.grid import local

        return local.pack_of(job, settings, device)
    if isinstance(settings, (SlurmLauncherConfig, RayLauncherConfig)):
        workers = workers_of(settings, device)
        return pack_size(settings.pack, job, workers, on_gpu=settings.gpus > 0)
    raise TypeError(f"no launcher takes {type(settings).__name__}")
