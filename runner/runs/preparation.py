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

from runner.config import RunConfig, Schedule, Value, use_plugins
from runner.console.run_display import make_console, print_note, print_settings
from runner.dataset import Dataset, load, set_aside, with_labels
from runner.errors import UsageError
from runner.model import VAE, VaeRepresentation
from runner.objective import Objective
from runner.runs.init_from import StartingPoint, starting_point
from runner.runs.saved import SavedRun, naming_version, require_same_images, version_of
from runner.runs.validate import scores
from runner.runs.validation_metric import ValidationMetric, chosen_metric
from runner.store.confined import file_place
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.mode import Mode
from runner.tracking.trackers import check_trackers
from runner.training import (
    TrainingState,
    active_penalties,
    check_compatibility,
    check_fits,
    choose_device,
    describe_device,
    gains_by_bf16,
    new_model,
    prepare,
    shown_schedules,
    steps_of,
    take_over,
)

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
    objective: Objective
    state: TrainingState
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
        return self.is_stopped or self.state.step >= self.steps

    @property
    def model(self) -> VAE:
        """The model that is trained."""
        return self.state.model

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return next(self.model.parameters()).device


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
    dataset = with_labels(set_aside(dataset, config.validation, device), config, device)
    steps = steps_of(config, dataset)
    with naming_version(version_of(folder) if saved else None):
        model = new_model(config, dataset, device)
        objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
        check_compatibility(config, model.latents, objective, dataset)
        check_fits(config, model, dataset)
        if start:
            name = f"init_from='{start.path}'"
            take_over(model, start.parameters, config.init.only, name)
        metric = _checked_validation(config, model, dataset)
        state = TrainingState.fresh(model, config)
        if saved and saved.checkpoint:
            state.restore(saved.checkpoint.tensors, saved.step)
    if saved:
        _check_files(saved, steps)
    wandb_id = saved.wandb_id if saved else None
    return PreparedRun(
        config,
        folder,
        console or make_console(),
        dataset,
        objective,
        state,
        steps,
        mode,
        wandb_id,
        start,
        metric,
        is_stopped=saved.is_stopped if saved else False,
        restarted=saved.restarted if saved else 0,
    )


def _checked_validation(config: RunConfig, model: VAE, dataset: Dataset) -> ValidationMetric | None:
    """Return the figure that decides between validations, where there are any.

    Raises: UsageError when there is no such figure, or a score is not defined for these images,
        which is seen by computing it once.
    """
    if config.validation.every is None:
        return None
    metric = chosen_metric(config, model.latents)
    scores(VaeRepresentation(model, dataset.kind.to_input), dataset, config)
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
    """Print the main settings of the run and the weights of its objective."""
    config, dataset, latents = run.config, run.dataset, run.model.latents
    shape = "x".join(str(n) for n in dataset.shape)
    weights = run.objective.term_weights(run.state.step)
    rows = {
        "objective": config.objective.name,
        "weights": "  ".join(f"{name} {weight:g}" for name, weight in weights.items()),
        "dataset": f"{dataset.name}, {dataset.train.size:,} images to train on, {shape}",
        "model": f"{config.architecture.name}, groups {', '.join(latents.group_names)}",
        "steps": f"{run.state.step:,} to {run.steps:,}, batches of {config.batch_size}",
        "device": describe_device(run.device),
        **_of_speed(run),
    }
    if run.start:
        rows["starts from"] = f"{run.start.path}, step {run.start.step:,}"
        if run.start.note:
            print_note(run.console, run.start.note)
    if dataset.validation is not None and run.metric is not None:
        rows["validation"] = (
            f"{dataset.validation.size:,} images set aside, every {config.validation.every:,} "
            f"steps, the best by {run.metric.name}"
        )
    if of_groups := _weights_of_groups(config):
        rows["weights"] += "  and " + ", ".join(of_groups)
    if penalties := active_penalties(run.objective):
        rows["penalties"] = "  ".join(penalties)
    if plans := shown_schedules(config):
        rows["scheduled"] = "  ".join(f"{n} {p.start:g} to {p.end:g}" for n, p in plans.items())
    if len(latents.group_names) == 1 and weights["group_total_correlation"] != 1:
        rows["note"] = (
            "the prior has one group, so no correlation between groups: prior.group_size=2"
        )
    print_settings(run.console, config.name, rows)


def _of_speed(run: PreparedRun) -> dict[str, str]:
    """Return what was found out of compiling, and whether bfloat16 is an offer here."""
    found = {} if run.compile_line is None else {"compile": run.compile_line}
    if run.config.precision == "float32" and gains_by_bf16(run.model):
        found["precision"] = "float32; precision=bf16 is faster on this processor"
    return found


def _weights_of_groups(config: RunConfig) -> list[str]:
    """Return each further weight of a group that is not zero, with what it is on."""
    of = config.objective
    information = {f"I(x; {name})": weight for name, weight in of.group_information.items()}
    rates = {f"the rate of {name}": weight for name, weight in of.group_rate.items()}
    every = {**information, **rates}
    return [f"{_number(weight)} on {what}" for what, weight in every.items() if weight != 0]


def _number(value: Value) -> str:
    return "a schedule" if isinstance(value, Schedule) else f"{value:g}"
