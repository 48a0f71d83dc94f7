"""Values that no run can use: each is refused with its dotted name and what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from runner.config.count_or_word import ALL
from runner.config.dataset_rules import dataset_choices, dataset_rules
from runner.config.figures_schema import width_rules
from runner.config.memory_rules import check_memory
from runner.config.metrics_rules import metrics_rules
from runner.config.number_rules import number_rules, size_rules, weight_rules
from runner.config.objective_rules import objective_choices, objective_rules, pair_rules
from runner.config.prior_rules import prior_rules
from runner.config.rule import Rule, refuse
from runner.config.schedule import Value, ends_of
from runner.config.schema import (
    CHOICES,
    CONDITIONAL_HEADS,
    INPUTS,
    PRECISIONS,
    TRACKERS,
    WANDB_MODES,
    ArchitectureConfig,
    ProdldaConfig,
    RunConfig,
)
from runner.config.training_rules import (
    refuse_without_validation,
    training_choices,
    training_rules,
)
from runner.errors import UsageError, nearest

_LONGEST_NAME = 200
"""Bytes; a file system takes 255, of which the date and the time need some."""


def validate(config: RunConfig) -> None:
    """Check the values of settings whose types are right.

    Raises: UsageError naming the first that makes no sense, and what it must be.
    """
    refuse(weight_rules(config))
    check_memory(config)
    refuse(_rules(config))
    refuse(size_rules(config))
    refuse(number_rules(config))
    for key, value, choices in (
        ("precision", config.precision, PRECISIONS),
        ("wandb.mode", config.wandb.mode, WANDB_MODES),
        *(("tracking.to", name, TRACKERS) for name in config.tracking.to),
        *dataset_choices(config.dataset),
        *_network_choices(config.architecture),
        *objective_choices(config.objective),
        *training_choices(config),
    ):
        if value not in choices:
            hint = nearest(value, choices)
            raise UsageError(f"{key} must be one of {', '.join(choices)}, got '{value}'", hint)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", config.device):
        hint = "cuda is an NVIDIA GPU, cuda:1 the second of them, mps an Apple one"
        raise UsageError(f"device must be one of auto, cuda, mps, cpu, got '{config.device}'", hint)
    _refuse_names(config)
    refuse_without_validation(config)


def _network_choices(network: ArchitectureConfig) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    yield "architecture.conditional_head", network.conditional_head, CONDITIONAL_HEADS
    if isinstance(network, ProdldaConfig):
        yield "architecture.inputs", network.inputs, INPUTS


def _refuse_names(config: RunConfig) -> None:
    """Refuse folders without a name, and names that cannot be a part of a folder's.

    Raises: UsageError.
    """
    if not config.out.strip():
        raise UsageError("out must be a folder, got ''", "out=. is the current one")
    if not config.data_dir.strip():
        raise UsageError("data_dir must be a folder, got ''", "data_dir=. is the current one")
    ends = {"name": "the run folder's name", "sweep_name": "the name of the grid's folder"}
    for key, where in ends.items():
        name = getattr(config, key)
        if name is None:
            continue
        if "/" in name or not name.strip() or not name.isprintable():
            message = f"{key} must be a plain word, since it ends {where}, got '{name}'"
            raise UsageError(message)
        if len(name.encode(errors="replace")) > _LONGEST_NAME:
            raise UsageError(f"{key} must be at most {_LONGEST_NAME} bytes long")


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
        "evaluation.map_points": (config.evaluation.map_points, 10),
        "evaluation.traversal_steps": (config.evaluation.traversal_steps, 2),
    }
    for key, (value, least) in whole.items():
        yield key, value, f"at least {least}", value >= least
    encodings = config.evaluation.encodings
    holds = encodings == ALL or encodings >= 2
    yield "evaluation.encodings", encodings, "at least 2", holds
    images_every = config.tracking.images_every
    holds = images_every is None or images_every >= 1
    yield "tracking.images_every", images_every, "at least 1, or null", holds
    yield from _network_rules(config.architecture)
    yield from _label_rules(config)
    yield "seed", config.seed, "between 0 and 2**32 - 1", 0 <= config.seed < 2**32
    yield from _positive(config)
    yield from prior_rules(config.prior)
    beside, batch = config.objective.encodings, config.batch_size
    holds = beside is None or beside >= 2 * batch
    rule = f"at least twice batch_size={batch}, or null"
    yield "objective.encodings", beside, rule, holds
    yield from pair_rules(config.objective, batch)
    yield from objective_rules(config.objective)
    yield from metrics_rules(config.metrics)
    bins = config.metrics.factor_bins
    rule = "null for a run (dataset.bins cuts the factors of images of your own)"
    yield "metrics.factor_bins", bins, rule, bins is None
    yield from dataset_rules(config.dataset)
    yield from training_rules(config)
    yield from width_rules("figures.width", config.figures.width)


def _network_rules(network: ArchitectureConfig) -> Iterator[Rule]:
    """Yield the rule of the posterior: ProdLDA normalises one mean and one scale a variable."""
    kinds = CHOICES["architecture"].items()
    others = ", ".join(name for name, kind in kinds if kind is not ProdldaConfig)
    rule = f"false with architecture=prodlda ({others} take true)"
    holds = not (network.conditional and isinstance(network, ProdldaConfig))
    yield "architecture.conditional", network.conditional, rule, holds


def _label_rules(config: RunConfig) -> Iterator[Rule]:
    """Yield the rules of the images whose class is known."""
    labels, seed = config.labels, config.label_seed
    holds = labels is None or labels == ALL or labels >= 2
    yield "labels", labels, "at least 2, all or null", holds
    of = config.objective
    rule = f"null: objective={of.name} learns from no labels"
    yield "labels", labels, rule, labels is None or of.method == "vae"
    yield "label_seed", seed, "between 0 and 2**32 - 1, or null", 0 <= (seed or 0) < 2**32
    samples, images = config.evaluation.class_samples, config.objective.penalties.supervision.images
    yield "evaluation.class_samples", samples, "zero or more", samples >= 0
    some = isinstance(labels, int)
    rule = f"between 1 and labels={labels}, or null" if some else "at least 1, or null"
    holds = images is None or 1 <= images <= (labels if some else images)
    yield "objective.penalties.supervision.images", images, rule, holds


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
