"""Loading trained runs from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from rich.console import Console

from runner.config import RunConfig
from runner.console.run_display import print_note
from runner.dataset import Dataset, load, set_aside
from runner.errors import UsageError
from runner.model import VAE, VaeRepresentation
from runner.runs.checkpoints import checkpoint_to_evaluate, take_up
from runner.runs.saved import SavedRun, naming_version, require_same_images, version_of
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


class RunLoader:
    """Loads trained runs; consecutive runs with the same dataset share it."""

    def __init__(
        self,
        console: Console,
        overrides: Sequence[str] = (),
        *,
        trusted: bool = False,
        checkpoint: str | None = None,
    ) -> None:
        """Load runs with some settings changed.

        ``checkpoint`` is "last" or "best"; None is the one that a run's summary is about.
        """
        self._console = console
        self._checkpoint = checkpoint
        self._overrides = list(overrides)
        self._trusted = trusted
        self._datasets: dict[str, Dataset] = {}
        self._noted: set[str] = set()

    def open(self, path: Path) -> tuple[LoadedRun, str | None]:
        """Return a run with the parameters of a checkpoint, and the id of its W&B run.

        Raises: UsageError where there is no run; DataError where its data or its checkpoint is
            missing or corrupt.
        """
        saved = SavedRun.read(path, self._overrides, trusted=self._trusted)
        if saved.checkpoint is None:
            hint = "the run stopped before it wrote one; start it again"
            raise UsageError(f"'{path}' has no checkpoint", hint)
        config, checkpoint = saved.config, saved.checkpoint
        device = choose_device(config.device)
        prepare(device)
        if saved.note and saved.note not in self._noted:  # once for all runs of a grid
            self._noted.add(saved.note)
            print_note(self._console, f"'{path}' is {saved.note}")
        dataset = self._dataset(config, device)
        require_same_images(config, dataset, saved.folder)
        model = new_model(config, dataset, device)
        best = checkpoint_to_evaluate(
            saved.folder, config, last_step=saved.step, asked=self._checkpoint
        )
        with naming_version(version_of(saved.folder)):
            step = take_up(model, best) if best else saved.step
            if best is None:
                TrainingState.fresh(model, config).restore(checkpoint.tensors, saved.step)
        model.eval()
        run = LoadedRun(model, dataset, config, saved.folder, step, self._console)
        return run, saved.wandb_id

    def _dataset(self, config: RunConfig, device: torch.device) -> Dataset:
        """Return the dataset of a run; the last one is kept for the next run."""
        key = repr((config.dataset, config.validation, config.data_dir, device))
        if key not in self._datasets:
            dataset = load(config.dataset, config.data_dir, device)
            self._datasets = {key: set_aside(dataset, config.validation, device)}
        return self._datasets[key]
