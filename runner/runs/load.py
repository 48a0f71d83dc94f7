"""A trained model with what it is judged by, and how the folder of a run becomes one again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, load
from runner.model import VAE
from runner.store.checkpoint import load as load_checkpoint
from runner.store.run_folder import RunFolder
from runner.training import TrainingState, choose_device, new_model, prepare


@dataclass(frozen=True)
class LoadedRun:
    """A trained model, the images to judge it by, and the folder of its run."""

    model: VAE
    dataset: Dataset
    config: RunConfig
    folder: RunFolder
    step: int
    console: Console

    @property
    def device(self) -> torch.device:
        """The model's."""
        return next(self.model.parameters()).device


class RunLoader:
    """Opens one trained run after the other; what they share is loaded once."""

    def __init__(self, console: Console, overrides: Sequence[str] = ()) -> None:
        self._console = console
        self._overrides = list(overrides)
        self._datasets: dict[str, Dataset] = {}

    def open(self, path: Path) -> tuple[LoadedRun, str | None]:
        """Return a trained run as its checkpoint has it, and its name on W&B.

        Raises: UsageError where there is no run; DataError where its data or checkpoint is broken.
        """
        folder = RunFolder.open(path)
        config = settings.restore(folder.read_config(), self._overrides)
        checkpoint = load_checkpoint(path / "checkpoint")
        device = choose_device(config.device)
        prepare(device)
        dataset = self._dataset(config, device)
        model = new_model(config, dataset, device)
        step = checkpoint.state["step"]
        TrainingState.fresh(model, config).restore(checkpoint.tensors, step)
        model.eval()
        run = LoadedRun(model, dataset, config, folder, step, self._console)
        return run, checkpoint.state.get("wandb_id")

    def _dataset(self, config: RunConfig, device: torch.device) -> Dataset:
        """Return the dataset of a run, loaded only once for runs that share it."""
        key = repr((config.dataset, config.data_dir, device))
        if key not in self._datasets:
            self._datasets = {key: load(config.dataset, config.data_dir, device)}
        return self._datasets[key]
