"""Values that no run can use, refused in the words of the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from runner.config.schema import (
    CONCRETE_DENSITIES,
    PRECISIONS,
    WANDB_MODES,
    ObjectiveConfig,
    RunConfig,
)
from runner.errors import UsageError, nearest


def validate(config: RunConfig) -> None:
    """Check the values of settings whose types are right.

    Raises: UsageError naming the first that makes no sense, and what it must be.
    """
    for key, value, rule, holds in _rules(config):
        if not holds:
            raise UsageError(f"{key} must be {rule}, got {value}")
    for key, value, choices in (
        ("precision", config.precision, PRECISIONS),
        ("wandb.mode", config.wandb.mode, WANDB_MODES),
        ("objective.concrete_density", config.objective.concrete_density, CONCRETE_DENSITIES),
    ):
        if value not in choices:
            hint = nearest(value, choices)
            raise UsageError(f"{key} must be one of {', '.join(choices)}, got '{value}'", hint)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", config.device):
        hint = "cuda is an NVIDIA GPU, cuda:1 the second of them, mps an Apple one"
        raise UsageError(f"device must be one of auto, cuda, mps, cpu, got '{config.device}'", hint)
    if "/" in config.name or not config.name.strip():
        raise UsageError(
            f"name must be a plain word, since it ends the run folder's name, got '{config.name}'"
        )


def _rules(config: RunConfig) -> Iterator[tuple[str, Any, str, bool]]:
    """Yield (key, value, what the value must be, whether it is)."""
    whole: dict[str, tuple[int, int]] = {  # value, smallest allowed
        "steps": (config.steps, 1),
        "batch_size": (
            config.batch_size,
            2,
        ),  # the estimate of q(z) needs another encoding than its own
        "prior.dimensions": (config.prior.dimensions, 1),
        "training.record_every": (config.training.record_every, 1),
        "evaluation.encodings": (config.evaluation.encodings, 2),
        "evaluation.map_points": (config.evaluation.map_points, 10),
        "evaluation.traversal_steps": (config.evaluation.traversal_steps, 2),
    }
    for key, (value, least) in whole.items():
        yield key, value, f"at least {least}", value >= least
    yield "seed", config.seed, "between 0 and 2**32 - 1", 0 <= config.seed < 2**32
    positive: dict[str, float | None] = {
        "learning_rate": config.learning_rate,
        "epochs": config.epochs,
        "training.clip_gradient": config.training.clip_gradient,
        "training.checkpoint_minutes": config.training.checkpoint_minutes,
        "evaluation.traversal_range": config.evaluation.traversal_range,
        "likelihood.scale": getattr(config.likelihood, "scale", None),
        "prior.temperature": getattr(config.prior, "temperature", None),
    }
    for key, number in positive.items():
        yield key, number, "a positive number", number is None or 0 < number < math.inf
    size, dimensions = config.prior.group_size, config.prior.dimensions
    fits = size is None or (size >= 1 and dimensions % size == 0)
    yield "prior.group_size", size, f"a divisor of prior.dimensions={dimensions}, or null", fits
    categories = getattr(config.prior, "categories", None)
    yield (
        "prior.categories",
        categories,
        "at least 2, or null",
        categories is None or categories >= 2,
    )
    yield from _weight_rules(config.objective)


def _weight_rules(objective: ObjectiveConfig) -> Iterator[tuple[str, Any, str, bool]]:
    for name, weight in vars(objective.weights).items():
        may_reward = name == "index_code_mi"  # InfoVAE with alpha > 1 rewards information
        rule = "a finite number" if may_reward else "zero or a positive finite number"
        holds = math.isfinite(weight) and (may_reward or weight >= 0)
        yield f"objective.weights.{name}", weight, rule, holds
    for name, weight in objective.group_information.items():
        yield (
            f"objective.group_information.{name}",
            weight,
            "a finite number",
            math.isfinite(weight),
        )
