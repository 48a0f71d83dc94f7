"""The typed settings of ``conf/launcher/``: where the runs of a grid are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


@dataclass
class LauncherConfig:
    """What starts the workers of a grid."""

    name: str


@dataclass
class LocalLauncherConfig(LauncherConfig):
    """Processes on this machine."""

    processes: Optional[int]  # noqa: UP045
    threads: Optional[int]  # noqa: UP045


@dataclass
class SlurmLauncherConfig(LauncherConfig):
    """Jobs of a Slurm cluster."""

    executor: str
    jobs: int
    processes: int
    minutes: int
    cpus: int
    gpus: int
    memory: Optional[float]  # noqa: UP045
    partition: Optional[str]  # noqa: UP045
    account: Optional[str]  # noqa: UP045
    qos: Optional[str]  # noqa: UP045
    constraint: Optional[str]  # noqa: UP045
    extra: dict[str, Any]
    setup: list[str]
    parallel: Optional[int]  # noqa: UP045
    grace: int
    requeues: int
    wait: bool


@dataclass
class RayLauncherConfig(LauncherConfig):
    """Tasks of a Ray cluster."""

    address: Optional[str]  # noqa: UP045
    workers: Optional[int]  # noqa: UP045
    processes: int
    cpus: int
    gpus: float


LAUNCHER_CHOICES: dict[str, type[LauncherConfig]] = {
    "local": LocalLauncherConfig,
    "slurm": SlurmLauncherConfig,
    "ray": RayLauncherConfig,
}
"""The settings of each choice of ``conf/launcher/``."""
