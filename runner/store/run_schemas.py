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


class Status(msgspec.Struct):
    """``status.json``: what a run is doing, or how it ended."""

    state: str | None = None
    """One of running, finished, interrupted, failed and diverged."""
    error: str | None = None
    """What went wrong, in one line; null where nothing did."""
    step: Step | None = None
    """Gradient steps done."""
    steps: Step | None = None
    """Gradient steps that the run is to have."""
    seconds: Seconds | None = None
    """Seconds of training and evaluation, over all processes that worked on the run."""
    host: str | None = None
    """The machine of the process that wrote the file."""
    pid: int | None = None
    """The number of that process."""
    versions: dict[str, str | None] | None = None
    """Package → its version, Python and vaerun among them."""
    git_revision: str | None = None
    """The commit of vaerun's source tree, with a ``+`` if it had changes; null outside of one."""
    train_images: Count | None = None
    """Images that are trained on."""
    device: str | None = None
    """What the run is computed on, in words."""
    images_per_second: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Speed of training, of the last record."""


class Summary(msgspec.Struct):
    """``summary.json``: the final figures of a run."""

    step: Step | None = None
    """The gradient step of the model."""
    elbo: float | None = None
    """Evidence lower bound, nats per image; null for a deterministic code."""
    rate: float | None = None
    """E KL(q(z|x) ‖ p(z)), nats per image; null for a deterministic code."""
    images: Count | None = None
    """Images that the figures are means over."""
    encodings: Count | None = None
    """Encodings that make up q(z)."""
    split: str | None = None
    """The images that these are from: test, or all where there is no test split."""
    terms: NumberTree = {}
    """The five terms, whose sum is the negative ELBO, nats per image."""
    information: NumberTree = {}
    """``variable``: I(x; z_v); ``rate``: that of each variable; ``group``: I(x; z_g); ``factor``:
    I(factor; z_g), a lower bound, by group. Nats."""
    scores: NumberTree = {}
    """Cluster purity of Concrete variables, and the Hoyer sparsity of the means."""
    distances: NumberTree = {}
    """Distances of q(z) from the prior, those that penalties use."""


class ScoreEntry(msgspec.Struct):
    """A score in ``scores.json``: its numbers and how they were computed."""

    scores: Numbers = {}
    """Its numbers by name."""
    settings: dict[str, Any] | None = None
    """The settings that it was computed with, as in ``conf/metrics/``."""
    seed: int | None = None
    """The seed of its random numbers."""
    images: Count | None = None
    """``metrics.images``: the most images that were encoded for it; null: all."""
    seconds: Seconds | None = None
    """How long that took."""
    refused: str | None = None
    """Why it is not defined for this model or these codes; null where it is."""
    runs: list[str] | None = None
    """Of ``udr``: the runs that it was compared with."""


class Scores(msgspec.Struct):
    """``scores.json``: scores by name, of the step or the file of codes that ``of`` names."""

    of: dict[str, Any] = {}
    """What was scored: the step of the run, or the digest of the file of codes."""
    scores: dict[str, ScoreEntry] = {}
    """Which codes and which score, such as ``mean/mig`` → its entry."""


class CheckpointState(msgspec.Struct):
    """The state of a run in ``checkpoint/state.json``."""

    step: Step
    """The gradient step."""
    wandb_id: str | None = None
    """The W&B run, which a resumed run goes on with."""


class CheckpointFile(msgspec.Struct):
    """A file of tensors of a checkpoint; its name leads to no other folder."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]*\Z")]
    """The file in ``checkpoint/``."""
    sha256: str
    """Its digest, which is checked when it is read."""


class Commit(msgspec.Struct):
    """``checkpoint/state.json``: which files make a checkpoint."""

    state: CheckpointState
    """Where the run stands."""
    files: dict[str, CheckpointFile]
    """What a file holds, such as ``model`` and ``optimizer`` → the file."""
