"""The typed settings of ``conf/launcher/``: where the runs of a grid are trained."""

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    SbatchOption = str | int | float | bool | None
else:  # OmegaConf has no type for this union
    SbatchOption = Any


@dataclass
class LauncherConfig:
    """What starts the workers of a grid."""

    name: str


@dataclass
class LocalLauncherConfig(LauncherConfig):
    """Processes on this machine."""

    processes: Optional[int]
    threads: Optional[int]
    pack: Optional[int]


@dataclass
class SlurmLauncherConfig(LauncherConfig):
    """Jobs of a Slurm cluster."""

    executor: str
    jobs: int
    processes: int
    minutes: int
    cpus: int
    gpus: int
    memory: Optional[float]
    partition: Optional[str]
    account: Optional[str]
    qos: Optional[str]
    constraint: Optional[str]
    extra: dict[str, SbatchOption]
    setup: list[str]
    parallel: Optional[int]
    grace: int
    requeues: int
    wait: bool
    pack: Optional[int]


@dataclass
class RayLauncherConfig(LauncherConfig):
    """Tasks of a Ray cluster."""

    address: Optional[str]
    workers: Optional[int]
    processes: int
    cpus: int
    gpus: float
    pack: Optional[int]


LAUNCHER_CHOICES: dict[str, type[LauncherConfig]] = {
    "local": LocalLauncherConfig,
    "packed": LocalLauncherConfig,
    "slurm": SlurmLauncherConfig,
    "ray": RayLauncherConfig,
}
"""The settings of each choice of ``conf/launcher/``."""
