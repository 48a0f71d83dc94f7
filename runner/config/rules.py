"""Values that no run can use: each is refused with its dotted name and what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from runner.config.memory_rules import check_memory
from runner.config.metrics_rules import metrics_rules
from runner.config.objective_rules import objective_choices, objective_rules
from runner.config.prior_rules import prior_rules
from runner.config.rule import Rule, refuse
from runner.config.schedule import Value, ends_of
from runner.config.schema import PRECISIONS, WANDB_MODES, CorrelationConfig, RunConfig
from runner.errors import UsageError, nearest


def validate(config: RunConfig) -> None:
    """Check the values of settings whose types are right.

    Raises: UsageError naming the first that makes no sense, and what it must be.
    """
    check_memory(config)
    refuse(_rules(config))
    for key, value, choices in (
        ("precision", config.precision, PRECISIONS),
        ("wandb.mode", config.wandb.mode, WANDB_MODES),
        *objective_choices(config.objective),
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


def _rules(config: RunConfig) -> Iterator[Rule]:
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
    yield from _positive(config)
    yield from prior_rules(config.prior)
    encodings, batch = config.objective.encodings, config.batch_size
    holds = encodings is None or encodings >= 2 * batch
    rule = f"at least twice batch_size={batch}, or null"
    yield "objective.encodings", encodings, rule, holds
    yield from objective_rules(config.objective)
    yield from metrics_rules(config.metrics)
    yield from _dataset_rules(config.dataset.correlated)


def _dataset_rules(correlated: CorrelationConfig | None) -> Iterator[Rule]:
    if correlated is None:
        return
    factors, width = correlated.factors, correlated.width
    are_two = len(factors) in (0, 2) and len(set(factors)) == len(factors)
    yield "dataset.correlated.factors", factors, "two factors, or []", are_two
    yield "dataset.correlated.width", width, "a positive number", 0 < width < math.inf


def _positive(config: RunConfig) -> Iterator[Rule]:
    """Yield the settings that must be positive numbers, all along where they are scheduled."""
    values: dict[str, Value | None] = {
        "learning_rate": config.learning_rate,
        "epochs": config.epochs,
        "training.clip_gradient": config.training.clip_gradient,
        "training.checkpoint_minutes": config.training.checkpoint_minutes,
        "evaluation.traversal_range": config.evaluation.traversal_range,
        "likelihood.scale": getattr(config.likelihood, "scale", None),
        "prior.temperature": config.prior.temperature,
    }
    for key, value in values.items():
        if value is not None:
            holds = all(0 < end < math.inf for end in ends_of(value))
            yield key, value, "a positive number", holds
