"""Loading trained runs from their folders."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import torch
from rich.console import Console

import runner
from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, load
from runner.errors import UsageError
from runner.model import VAE, VaeRepresentation
from runner.store.checkpoint import load as load_checkpoint
from runner.store.run_folder import RunFolder
from runner.training import TrainingState, choose_device, new_model, prepare


@dataclass(frozen=True)
class LoadedRun:
    """A trained model, the dataset to evaluate it on, and the folder of its run."""

    model: VAE
    dataset: Dataset
    config: RunConfig
    folder: RunFolder
    step: int
    console: Console

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return next(self.model.parameters()).device

    @cached_property
    def representation(self) -> VaeRepresentation:
        """The model with the interface of the evaluation."""
        return VaeRepresentation(self.model, self.dataset.kind.to_input)


def version_of(folder: RunFolder) -> str | None:
    """Return the version of vaerun that last wrote a run, or None where it is not known."""
    versions = folder.read_status().get("versions")
    version = cast("dict[str, object]", versions).get("vaerun") if versions else None
    return None if version is None else str(version)


@contextmanager
def naming_version(version: str | None) -> Generator[None]:
    """Name the version that wrote the run in a UsageError raised within, if it is another one.

    Raises: UsageError in place of one raised within.
    """
    try:
        yield
    except UsageError as error:
        if version in (None, runner.__version__):
            raise
        message = f"{error.message}; the run was written by vaerun {version}"
        hint = f"this is vaerun {runner.__version__}, which may not restore it"
        raise UsageError(message, hint) from error


class RunLoader:
    """Loads trained runs; consecutive runs with the same dataset share it."""

    def __init__(self, console: Console, overrides: Sequence[str] = ()) -> None:
        self._console = console
        self._overrides = list(overrides)
        self._datasets: dict[str, Dataset] = {}

    def open(self, path: Path) -> tuple[LoadedRun, str | None]:
        """Return a run with the parameters of its last checkpoint, and the id of its W&B run.

        Raises: UsageError where there is no run; DataError where its data or its checkpoint is
            missing or corrupt.
        """
        folder = RunFolder.open(path)
        version = version_of(folder)
        with naming_version(version):
            config = settings.restore(folder.read_config(), self._overrides)
        checkpoint = load_checkpoint(path / "checkpoint")
        device = choose_device(config.device)
        prepare(device)
        dataset = self._dataset(config, device)
        model = new_model(config, dataset, device)
        step = checkpoint.state["step"]
        with naming_version(version):
            TrainingState.fresh(model, config).restore(checkpoint.tensors, step)
        model.eval()
        run = LoadedRun(model, dataset, config, folder, step, self._console)
        return run, checkpoint.state.get("wandb_id")

    def _dataset(self, config: RunConfig, device: torch.device) -> Dataset:
        """Return the dataset of a run; the last one is kept for the next run."""
        key = repr((config.dataset, config.data_dir, device))
        if key not in self._datasets:
            self._datasets = {key: load(config.dataset, config.data_dir, device)}
        return self._datasets[key]
