"""What the process that forks workers holds for them: libraries, settings, datasets."""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.config import RunConfig

_MODULES = (
    "matplotlib.backends.backend_agg",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.manifold",
    "scipy.optimize",
    "safetensors.torch",
    "runner.figures.of_run",
    "runner.grid.search",
    "runner.runs.train",
)
"""What nearly every run imports: libraries, and the rooms of the program that import others."""

_DATASETS = 4
"""The most that are loaded for all workers; each has them in memory."""

_OF_DATA = ("dataset", "data_dir", "debug", "device", "experiment", "hydra", "local", "plugins")
"""Settings that decide which images a run is trained on, or where."""


def preload(job: Mapping[str, Any]) -> str:
    """Import and load what the runs of a job need, and return the device that they train on.

    What fails here fails in the worker that needs it, which says why. No thread is started and no
    GPU is used, unless the runs are to.
    """
    with _silence():
        import torch

        from runner.training import choose_device

        torch.set_num_threads(1)  # a pool of threads would not survive the fork
        for name in _MODULES:
            importlib.import_module(name)
        found = {choose_device(job["device"]).type, *devices(job)}
    gc.collect()
    gc.freeze()  # what is there by now is not looked at again, and stays shared
    return next(iter(found - {"cpu"}), "cpu")


def devices(job: Mapping[str, Any]) -> Iterator[str]:
    """Load the datasets of the runs, and yield the devices that these are trained on."""
    from runner.dataset import keep, kept_ones
    from runner.training import choose_device

    keep(_DATASETS)
    for config in _configs(job):
        with suppress(UsageError):
            device = choose_device(config.device)
            yield device.type
            if device.type == "cpu":
                _hold(config)
    keep(max(1, kept_ones()))


def _hold(config: RunConfig) -> None:
    """Load the dataset of a run, if it is on this machine."""
    import torch

    from runner.dataset import is_here, load

    if is_here(config.dataset, config.data_dir):
        with suppress(Exception):
            load(config.dataset, config.data_dir, torch.device("cpu"))


def _configs(job: Mapping[str, Any]) -> Iterator[RunConfig]:
    """Yield the settings of a few runs of the job, one for each dataset and device."""
    from runner.grid.folder import GridFolder
    from runner.grid.settings_of_run import composed

    grid = GridFolder.open(Path(job["path"]))
    runs: dict[tuple[str, ...], int] = {}
    for number in job["indices"]:
        if number < len(grid.runs):  # a search makes the others as it goes on
            words = (o for o in grid.runs[number] if o.lstrip("+").startswith(_OF_DATA))
            runs.setdefault(tuple(words), number)
    for number in list(runs.values())[:_DATASETS]:
        with suppress(Exception):  # from own pieces, too
            yield composed(grid, number, tuple(job["places"]))[0]


@contextmanager
def _silence() -> Generator[None]:
    """Print nothing: messages about a run belong to its log."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
