"""Typed settings of the loop: how it runs, what it is watched by, and what it starts from.

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None

AUTO = "auto"
"""What the other settings imply."""

CHECKPOINTS = ("last", "best")
"""Which checkpoint of a run is read."""

PARTS = ("encoder", "decoder", "prior", "likelihood")
"""Parts of a model whose parameters can be taken over from another run."""


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
    compile: bool
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


@dataclass
class InitConfig:
    """Which parameters of which checkpoint a run starts from."""

    only: list[str]
    checkpoint: str
    step: Optional[int]
    sha256: Optional[str]
