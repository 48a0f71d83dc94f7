"""Loading trained runs from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from runner.config import RunConfig
from runner.console.run_display import print_note
from runner.dataset import Dataset, load, set_aside
from runner.errors import UsageError
from runner.evaluation.representation import Representation
from runner.method import Method, OpenedMethod, TrainedOn, method_of
from runner.runs.checkpoints import checkpoint_to_evaluate, take_up
from runner.runs.saved import SavedRun, naming_version, require_same_images, version_of
from runner.store.run_folder import RunFolder
from runner.training import choose_device, prepare


@dataclass(frozen=True)
class LoadedRun:
    """A fitted method, the dataset to evaluate it on, and the folder of its run."""

    method: Method
    dataset: Dataset
    config: RunConfig
    folder: RunFolder
    step: int
    console: Console

    @property
    def model(self) -> nn.Module:
        """The parameters of the method."""
        return self.method.module

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.method.device

    @cached_property
    def representation(self) -> Representation:
        """The model with the interface of the evaluation."""
        return self.method.represents()


@dataclass(frozen=True)
class OpenedModel:
    """A fitted method without its dataset, and the folder of its run."""

    method: OpenedMethod
    trained_on: TrainedOn
    config: RunConfig
    """The settings as the folder has them: nothing in them has been followed."""
    folder: RunFolder
    step: int

    @property
    def model(self) -> nn.Module:
        """The parameters of the method."""
        return self.method.module

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.representation.device

    @cached_property
    def representation(self) -> Representation:
        """The model with the interface of the evaluation; stored images become codes."""
        return self.method.represents(self.trained_on.kind.to_input)

    @cached_property
    def of_inputs(self) -> Representation:
        """The same for images that are as a model sees them already."""
        return self.method.represents(lambda inputs_BCHW: inputs_BCHW)


def open_model(path: Path, device: str = "cpu", *, trusted: bool = False) -> OpenedModel:
    """Return the model of a run with the parameters of its last checkpoint, ready to be used.

    The checkpoint says what the model was built for, so the dataset is not read, unless the run is
    older than that and its dataset is not a published one. A stranger's run is opened as well:
    only its numbers are read.

    Args:
        path: the run folder.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the first there is.
        trusted: whether an older run's images are looked for where a stranger's folder says.

    Raises: UsageError where there is no run, no checkpoint or no such device; DataError where the
        checkpoint is corrupt, or the dataset of an older run is missing.
    """
    place = choose_device(device)
    saved = SavedRun.read(path, [], trusted=trusted, files=("model",))
    if saved.checkpoint is None:
        raise _without_checkpoint(path)
    config, checkpoint = saved.config, saved.checkpoint
    known = TrainedOn.restored(checkpoint.state) or TrainedOn.declared(config.dataset)
    trained_on = known or _from_images(path, trusted=trusted)
    with naming_version(version_of(saved.folder)):
        method = method_of(config).opened(config, trained_on, checkpoint.tensors, place)
    return OpenedModel(method, trained_on, config, saved.folder, saved.step)


def _from_images(path: Path, *, trusted: bool) -> TrainedOn:
    """Return what the dataset of an older run says; its images are read."""
    config = SavedRun.read(path, [], trusted=trusted).config
    return TrainedOn.of(load(config.dataset, config.data_dir, torch.device("cpu")))


def _without_checkpoint(path: Path) -> UsageError:
    hint = "the run stopped before it wrote one; start it again"
    return UsageError(f"'{path}' has no checkpoint", hint)


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
            raise _without_checkpoint(path)
        config, checkpoint = saved.config, saved.checkpoint
        device = choose_device(config.device)
        prepare(device)
        if saved.note and saved.note not in self._noted:  # once for all runs of a grid
            self._noted.add(saved.note)
            print_note(self._console, f"'{path}' is {saved.note}")
        dataset = self._dataset(config, device)
        require_same_images(config, dataset, saved.folder)
        method = method_of(config).new(config, dataset, device)
        best = checkpoint_to_evaluate(
            saved.folder, config, last_step=saved.step, asked=self._checkpoint
        )
        with naming_version(version_of(saved.folder)):
            step = take_up(method, best) if best else saved.step
            if best is None:
                method.restore(checkpoint.tensors, saved.step)
        method.finish()
        run = LoadedRun(method, dataset, config, saved.folder, step, self._console)
        return run, saved.wandb_id

    def _dataset(self, config: RunConfig, device: torch.device) -> Dataset:
        """Return the dataset of a run; the last one is kept for the next run."""
        key = repr((config.dataset, config.validation, config.data_dir, device))
        if key not in self._datasets:
            dataset = load(config.dataset, config.data_dir, device)
            self._datasets = {key: set_aside(dataset, config.validation, device)}
        return self._datasets[key]
