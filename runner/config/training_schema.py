"""Typed settings of the loop: how it runs, what it is watched by, and what it starts from.

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

from omegaconf.errors import ValidationError
from omegaconf.nodes import BooleanNode

from runner.config.shown import shown
from runner.errors import UsageError

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None

AUTO = "auto"
"""What the other settings imply."""

CHECKPOINTS = ("last", "best")
"""Which checkpoint of a run is read."""

PARTS = ("encoder", "decoder", "prior", "likelihood")
"""Parts of a model whose parameters can be taken over from another run."""


def parse_compile(key: str, value: object) -> bool | str:
    """Return whether steps are compiled: true, false, or ``auto``.

    Raises: UsageError for anything else.
    """
    if value == AUTO:
        return AUTO
    try:
        found = None if value is None else BooleanNode(value)._value()  # pyright: ignore[reportPrivateUsage] - no public name
    except ValidationError:
        found = None
    if found is None:
        raise UsageError(f"{key} must be auto, true or false, got {shown(value)}")
    return bool(found)


if TYPE_CHECKING:
    Compile = bool | Literal["auto"]
else:  # OmegaConf has no type for a word beside true and false
    Compile = Annotated[Any, parse_compile]


@dataclass
class StopEarlyConfig:
    """When training ends before its last step, and by which figure the best step is known."""

    metric: str
    patience: Optional[int]
    min_delta: float
    after: int


@dataclass
class TrainingConfig:
    """How the loop runs."""

    record_every: int
    checkpoint_minutes: float
    clip_gradient: Optional[float]
    weight_decay: float
    compile: Compile
    keep_best: bool
    stop_early: StopEarlyConfig


@dataclass
class ValidationConfig:
    """A part of the training images that is set aside, and what is computed of it."""

    every: Optional[int]
    images: float
    encodings: int
    seed: int
    scores: list[str]
    information: bool


@dataclass
class InitConfig:
    """Which parameters of which checkpoint a run starts from."""

    only: list[str]
    checkpoint: str
    step: Optional[int]
    sha256: Optional[str]
