"""Values that no launcher can use: no processes, no time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from runner.config.launcher_schema import LauncherConfig, RayLauncherConfig, SlurmLauncherConfig
from runner.config.rule import Rule

_ZERO_ALLOWED = ("gpus", "requeues")
_SHORTEST_GRACE = 10


def launcher_rules(launcher: LauncherConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    for field in fields(launcher):
        value = getattr(launcher, field.name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            least = 0 if field.name in _ZERO_ALLOWED else 1
            yield f"launcher.{field.name}", value, f"at least {least}", value >= least
    if isinstance(launcher, SlurmLauncherConfig):
        yield from _slurm_rules(launcher)
    if isinstance(launcher, RayLauncherConfig):
        whole = launcher.gpus <= 1 or launcher.gpus == int(launcher.gpus)
        yield "launcher.gpus", launcher.gpus, "a fraction of one GPU, or a whole number", whole


def _slurm_rules(launcher: SlurmLauncherConfig) -> Iterator[Rule]:
    executors = ("slurm", "local")
    known = launcher.executor in executors
    yield "launcher.executor", launcher.executor, f"one of {', '.join(executors)}", known
    for name, value in cast("dict[str, object]", launcher.extra).items():
        single = value is None or isinstance(value, str | int | float)
        yield f"launcher.extra.{name}", value, "text, a number, true, false or null", single
    limit = 60 * launcher.minutes - 1
    fits = _SHORTEST_GRACE <= launcher.grace <= limit
    yield "launcher.grace", launcher.grace, f"{_SHORTEST_GRACE} to {limit} seconds", fits
