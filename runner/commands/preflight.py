"""Checks, before anything is written, that this machine can train the runs of a grid."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from runner.config import LauncherConfig, LocalLauncherConfig, RunConfig

_ANYWHERE = ("auto", "cpu")


def require_here(launcher: LauncherConfig, runs: Iterable[RunConfig]) -> None:
    """Refuse a device, a tracker or a dataset that this machine lacks, where the launcher uses it.

    Of runs that differ in these, some may be possible: each says by itself that it is not.

    Raises: UsageError, or DataError for a dataset.
    """
    runs = list(runs)
    if isinstance(launcher, LocalLauncherConfig):
        _require_starting_points(runs)
    by_place = {
        repr((c.device, c.wandb.mode, c.tracking.to, c.dataset, c.data_dir)): c for c in runs
    }
    if not isinstance(launcher, LocalLauncherConfig) or len(by_place) != 1:
        return
    (config,) = by_place.values()
    require_device(config.device)
    require_trackers(config.tracking.to, config.wandb.mode)
    _require_data(config)


def _require_starting_points(runs: Iterable[RunConfig]) -> None:
    """Raise UsageError where a run that another is to start from is not there."""
    if any(config.init_from for config in runs):
        from runner.runs.init_from import require_starting_point

        for config in {(c.init_from, c.init.checkpoint): c for c in runs}.values():
            require_starting_point(config)


def require_device(name: str) -> None:
    """Raise UsageError where this machine lacks a device."""
    if name not in _ANYWHERE:
        from runner.training import choose_device  # this imports torch

        choose_device(name)


def require_trackers(chosen: Collection[str], mode: str) -> None:
    """Raise UsageError where the library of a tracker is missing, or W&B cannot be reached.

    ``chosen`` are the trackers, ``mode`` is that of W&B.
    """
    if "tensorboard" in chosen:
        from runner.tracking.event_file import require_tensorboard

        require_tensorboard()
    if "wandb" in chosen and mode == "online":
        from runner.tracking.mode import resolve_mode  # this imports wandb

        resolve_mode(mode)


def _require_data(config: RunConfig) -> None:
    from runner.dataset import require_files  # this imports torch

    require_files(config.dataset, config.data_dir)
