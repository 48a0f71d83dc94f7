"""A run before its first step: everything that can be refused is refused here.

Nothing is written, apart from datasets that are downloaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from runner.config import RunConfig, use_plugins
from runner.console.run_display import make_console, print_note, print_settings
from runner.dataset import Dataset, load, set_aside, with_labels
from runner.errors import UsageError
from runner.method import Method, method_of
from runner.runs.init_from import StartingPoint, starting_point
from runner.runs.reference import check_reference
from runner.runs.saved import SavedRun, naming_version, require_same_images, version_of
from runner.runs.validate import scores
from runner.runs.validation_metric import ValidationMetric, chosen_metric
from runner.store.confined import file_place
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.mode import Mode
from runner.tracking.trackers import check_trackers
from runner.training import choose_device, describe_device, prepare

TRAINING = "training"
"""The folder in ``figures`` with the pictures that are drawn while a run trains."""

GoesOn = Callable[[Mapping[str, float | None]], bool]
"""Says of each record whether training goes on after it; if not, the run is pruned there."""


@dataclass(frozen=True)
class PreparedRun:
    """The data, model and state of a run, after all settings have been checked."""

    config: RunConfig
    folder: RunFolder
    console: Console
    dataset: Dataset
    method: Method
    steps: int
    wandb_mode: Mode
    wandb_id: str | None
    """The W&B run to go on with; None: a new one."""
    start: StartingPoint | None = None
    """What its first step starts from; None: from parameters of its seed, or from a checkpoint."""
    metric: ValidationMetric | None = None
    """By which figure of its validations the best is known; None: there are no validations."""
    is_stopped: bool = False
    """Whether it has stopped early, and is not to go on."""
    restarted: int = 0
    """The step at which it went on although it had stopped there."""

    goes_on: GoesOn | None = None
    """Says after each record whether training goes on; None: it always does."""
    compile_line: str | None = None
    """What the header says of compiling; None: nothing, since nothing was measured."""

    @property
    def is_trained(self) -> bool:
        """Whether there is no further step to make."""
        return self.is_stopped or self.step >= self.steps

    @property
    def step(self) -> int:
        """The steps that have been made."""
        return self.method.step

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.method.device


def prepared(
    config: RunConfig,
    folder: RunFolder,
    saved: SavedRun | None = None,
    console: Console | None = None,
) -> PreparedRun:
    """Load the data, build the model, and restore the checkpoint if there is one.

    Without a checkpoint, the model may start from the parameters of another run (``init_from``):
    the settings then say which these were. Progress is shown on ``console``; None: on stderr.

    Raises: UsageError for settings that do not fit together, this machine or the checkpoint;
        DataError for data that are missing or corrupt.
    """
    use_plugins(config.plugins)
    device = choose_device(config.device)
    mode = check_trackers(config, folder.path)
    start = None if saved and saved.checkpoint else starting_point(config)
    config = start.recorded(config) if start else config
    prepare(device)
    dataset = load(config.dataset, config.data_dir, device)
    if saved:
        require_same_images(config, dataset, folder)
    check_reference(config.metrics, dataset, trusted=saved is None or saved.is_trusted)
    dataset = with_labels(set_aside(dataset, config.validation, device), config, device)
    with naming_version(version_of(folder) if saved else None):
        method = method_of(config).new(config, dataset, device)
        steps = method.steps_of(config, dataset)
        method.check(config, dataset)
        if start:
            method.start_from(start.parameters, config.init.only, f"init_from='{start.path}'")
        metric = _checked_validation(config, method, dataset)
        if saved and saved.checkpoint:
            method.restore(saved.checkpoint.tensors, saved.step)
    if saved:
        _check_files(saved, steps)
    wandb_id = saved.wandb_id if saved else None
    return PreparedRun(
        config,
        folder,
        console or make_console(),
        dataset,
        method,
        steps,
        mode,
        wandb_id,
        start,
        metric,
        is_stopped=saved.is_stopped if saved else False,
        restarted=saved.restarted if saved else 0,
    )


def _checked_validation(
    config: RunConfig, method: Method, dataset: Dataset
) -> ValidationMetric | None:
    """Return the figure that decides between validations, where there are any.

    Raises: UsageError when there is no such figure, or a score is not defined for these images,
        which is seen by computing it once.
    """
    if config.validation.every is None:
        return None
    model = method.represents()
    metric = chosen_metric(config, model)
    scores(model, dataset, config)
    return metric


def _check_files(saved: SavedRun, steps: int) -> None:
    """Refuse to go back, and files of a run that could not be written on.

    Raises: UsageError or DataError.
    """
    if steps < saved.step:
        asked = f"epochs={saved.config.epochs} ends at step {steps:,}, which"
        raise UsageError(f"{asked} lies before step {saved.step:,}, where the run stands")
    figures = saved.folder.path / "figures"
    for figure in sorted([*figures.glob("*"), *(figures / TRAINING).glob("*")]):
        if figure != figures / TRAINING or not figure.is_dir():
            file_place(figure, saved.folder.path)
    saved.folder.read_records()
    saved.folder.read_summary()
    ScoresFile(saved.folder.path / "scores.json", {"step": steps})


@contextmanager
def new_folder(path: Path) -> Generator[RunFolder]:
    """Create the folder of a run; if it is refused before it has settings, remove what was made.

    Raises: UsageError when it cannot be written to.
    """
    made = [folder for folder in (path, *path.parents) if not _exists(folder)]
    try:
        yield RunFolder.create(path)
    except BaseException:
        if not _exists(path / "config.yaml"):
            for folder in made:
                if folder == path:
                    shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):  # another run has been put into it
                    folder.rmdir()
        raise


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:  # also where its name is too long
        return False
    return True


def announce(run: PreparedRun) -> None:
    """Print the main settings of the run, and what its method says of itself."""
    config, dataset = run.config, run.dataset
    shape, examples = "x".join(str(n) for n in dataset.shape), dataset.kind.examples
    of_method = dict(run.method.header(config, run.step))
    rows = {
        "objective": config.objective.name,
        **_taken(of_method, "weights"),
        "dataset": f"{dataset.name}, {dataset.train.size:,} {examples} to train on, {shape}",
        **_taken(of_method, "model"),
        "steps": _steps(run),
        "device": describe_device(run.device),
        **({} if run.compile_line is None else {"compile": run.compile_line}),
        **_taken(of_method, "precision"),
    }
    if run.start:
        rows["starts from"] = f"{run.start.path}, step {run.start.step:,}"
        if run.start.note:
            print_note(run.console, run.start.note)
    if dataset.validation is not None and run.metric is not None:
        rows["validation"] = (
            f"{dataset.validation.size:,} {examples} set aside, every {config.validation.every:,} "
            f"steps, the best by {run.metric.name}"
        )
    print_settings(run.console, config.name, rows | of_method)


def _steps(run: PreparedRun) -> str:
    images = run.method.images_per_step(run.config)
    return f"{run.step:,} to {run.steps:,}, batches of {images}"


def _taken(rows: dict[str, str], name: str) -> dict[str, str]:
    """Return a row by its name, if there is one, and remove it from the others."""
    return {name: rows.pop(name)} if name in rows else {}
