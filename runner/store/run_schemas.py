"""What the JSON files of a run folder hold, as far as it is used; other keys may be there."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Step = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Numbers = dict[str, float | None]
"""Numbers by name; null stands for what is not finite."""
Group = dict[str, float | Numbers | None]
NumberTree = dict[str, float | Group | None]
"""Numbers by name, in groups and groups of groups."""
DeepTree = dict[str, float | NumberTree | None]
"""The same one level deeper."""


class Status(msgspec.Struct):
    """``status.json``: what a run is doing, or how it ended."""

    state: str | None = None
    error: str | None = None
    step: Step | None = None
    steps: Step | None = None
    seconds: Seconds | None = None
    host: str | None = None
    pid: int | None = None
    versions: dict[str, str | None] | None = None
    git_revision: str | None = None
    train_images: Count | None = None
    device: str | None = None
    images_per_second: Annotated[float, msgspec.Meta(ge=0)] | None = None
    images_digest: str | None = None
    validation_images: Count | None = None
    stopped_early: str | None = None


class TrainingEstimate(msgspec.Struct):
    """What the estimate of training says of the final model, in ``summary.json``."""

    terms: Numbers = {}
    encodings: Count | None = None
    minibatches: Count | None = None
    images: Count | None = None
    in_loss: bool | None = None
    standard_errors: NumberTree = {}


class Summary(msgspec.Struct):
    """``summary.json``: the final figures of a run."""

    step: Step | None = None
    elbo: float | None = None
    rate: float | None = None
    images: Count | None = None
    encodings: Count | None = None
    split: str | None = None
    terms: NumberTree = {}
    information: NumberTree = {}
    scores: NumberTree = {}
    distances: NumberTree = {}
    classification: Numbers = {}
    standard_errors: DeepTree = {}
    training_estimate: TrainingEstimate | None = None
    warnings: list[str] = []
    validation: Numbers = {}


class ScoreEntry(msgspec.Struct):
    """A score in ``scores.json``: its numbers and how they were computed."""

    scores: Numbers = {}
    standard_errors: Numbers = {}
    settings: dict[str, Any] | None = None
    seed: int | None = None
    images: Count | None = None
    repeats: Count | None = None
    seconds: Seconds | None = None
    refused: str | None = None
    reference: str | None = None
    plugin: str | None = None
    title: str | None = None
    better: str | None = None
    runs: list[str] | None = None


class Scores(msgspec.Struct):
    """``scores.json``: scores by name, of the step or the file of codes that ``of`` names."""

    of: dict[str, Any] = {}
    scores: dict[str, ScoreEntry] = {}


Side = Annotated[int, msgspec.Meta(ge=1, le=2**14)]
"""Pixels of a side of an image, or channels."""


class TrainedOn(msgspec.Struct):
    """What a model needs to know of its dataset: with it, the model is built without the data."""

    shape: tuple[Side, Side, Side]
    """C, H, W."""
    classes: Annotated[int, msgspec.Meta(ge=0, le=2**20)]
    kind: str
    images: Count
    """Images to train on."""


class CheckpointState(msgspec.Struct):
    """The state of a run in ``checkpoint/state.json``."""

    step: Step
    wandb_id: str | None = None
    dataset: TrainedOn | None = None
    """None in runs of before this was kept."""
    stopped_early: bool = False
    """Whether training has ended at this step, before its last."""
    restarted: Step = 0
    """The step at which it went on although it had ended there."""
    metric: str | None = None
    """Of the best checkpoint: the figure by which it is, and its value."""
    value: float | None = None


class CheckpointFile(msgspec.Struct):
    """A file of tensors of a checkpoint; its name leads to no other folder."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]*\Z")]
    sha256: str


class Commit(msgspec.Struct):
    """``checkpoint/state.json``: which files make a checkpoint."""

    state: CheckpointState
    files: dict[str, CheckpointFile]
