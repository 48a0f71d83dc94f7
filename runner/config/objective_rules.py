"""Values that no objective can use: weights below zero, names of kernels that there are not."""

from __future__ import annotations

import math
from collections.abc import Iterator

from runner.config.count_or_word import RANDOM
from runner.config.objective_schema import (
    CONCRETE_DENSITIES,
    CONCRETE_DRAWS,
    CONTRACTIONS,
    CORRUPTIONS,
    ENCODING_WEIGHTS,
    KERNELS,
    LABELLED_LOSSES,
    MOMENTS,
    PAIR_POSTERIORS,
    SPARSITIES,
    STABILITIES,
    UNPAIRED,
    AdversarialConfig,
    ObjectiveConfig,
    PenaltiesConfig,
)
from runner.config.rule import Rule
from runner.config.schedule import Value, ends_of
from runner.config.typed_fields import values


def objective_choices(objective: ObjectiveConfig) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (key, value, what it may be) of every setting that is one of a few words."""
    on = objective.penalties
    yield "objective.concrete_density", objective.concrete_density, CONCRETE_DENSITIES
    yield "objective.concrete_draws", objective.concrete_draws, CONCRETE_DRAWS
    yield "objective.encoding_weights", objective.encoding_weights, ENCODING_WEIGHTS
    yield "objective.penalties.moments.of", on.moments.of, MOMENTS
    yield "objective.penalties.mmd.kernel", on.mmd.kernel, KERNELS
    yield "objective.penalties.sparsity.kind", on.sparsity.kind, SPARSITIES
    yield "objective.penalties.contraction.estimate", on.contraction.estimate, CONTRACTIONS
    yield "objective.penalties.supervision.loss", on.supervision.loss, LABELLED_LOSSES
    yield "objective.corruption.kind", objective.corruption.kind, CORRUPTIONS
    yield "objective.pairs.posterior", objective.pairs.posterior, PAIR_POSTERIORS
    yield "objective.adversarial.stability", objective.adversarial.stability, STABILITIES


def objective_rules(objective: ObjectiveConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    for name, weight in values(objective.weights):
        free = name == "index_code_mi"  # InfoVAE with alpha > 1 rewards information
        yield _number(f"objective.weights.{name}", weight, -math.inf if free else 0)
    for level, weight in enumerate(objective.levels):
        yield _number(f"objective.levels.{level}", weight, 0)
    for name, weight in objective.group_information.items():
        yield _number(f"objective.group_information.{name}", weight, -math.inf)
    for name, weight in objective.group_rate.items():
        yield _number(f"objective.group_rate.{name}", weight, 0)
    for name, value in values(objective.penalties):
        section, _, key = name.partition(".")
        is_ours = section in PenaltiesConfig.__dataclass_fields__
        least = 0 if is_ours or key == "weight" else -math.inf
        yield _number(f"objective.penalties.{name}", value, least)
    yield _number("objective.corruption.amount", objective.corruption.amount, 0)
    images, sparsity = objective.fitted.images, objective.fitted.sparsity
    yield "objective.fitted.images", images, "at least 2", images >= 2
    holds = 0 < sparsity < math.inf
    yield "objective.fitted.sparsity", sparsity, "a positive number", holds
    yield from _adversarial_rules(objective.adversarial)
    yield from _penalty_rules(objective)


def pair_rules(objective: ObjectiveConfig, batch_size: int) -> Iterator[Rule]:
    """Yield the rules of pairs of images: at least one factor differs, and no image is alone."""
    differ = objective.pairs.differ
    yield "objective.pairs.differ", differ, "at least 1", differ == RANDOM or differ >= 1
    if objective.pairs.posterior != UNPAIRED:
        rule = "even, since objective.pairs makes pairs of its images"
        yield "batch_size", batch_size, rule, batch_size % 2 == 0


def _adversarial_rules(settings: AdversarialConfig) -> Iterator[Rule]:
    at, positive = "objective.adversarial", "a positive number"
    for name in ("gradient_penalty", "learning_rate"):
        value = getattr(settings, name)
        yield f"{at}.{name}", value, positive, 0 < value < math.inf
    yield f"{at}.noise", settings.noise, "zero or more", settings.noise >= 0
    for name in ("discrete", "continuous"):
        yield _number(f"{at}.information.{name}", getattr(settings.information, name), 0)
    share = settings.encoder_steps
    yield f"{at}.encoder_steps", share, "between 0 and 1", 0 < share < 1


def _penalty_rules(objective: ObjectiveConfig) -> Iterator[Rule]:
    on, at = objective.penalties, "objective.penalties"
    positive = bool(on.mmd.scales) and min(on.mmd.scales) > 0
    yield f"{at}.mmd.scales", on.mmd.scales, "positive numbers", positive
    yield f"{at}.sparsity.rate", on.sparsity.rate, "between 0 and 1", 0 < on.sparsity.rate < 1
    probes = on.contraction.probes
    yield f"{at}.contraction.probes", probes, "at least 1", probes >= 1
    rate, widths = on.discriminator.learning_rate, on.discriminator.widths
    yield f"{at}.discriminator.learning_rate", rate, "a positive number", 0 < rate < math.inf
    positive = bool(widths) and min(widths) > 0
    yield f"{at}.discriminator.widths", widths, "positive numbers", positive


def _number(key: str, value: Value, least: float) -> Rule:
    """Return the rule of a number that may be scheduled: both ends of the way must keep it."""
    rule = "a finite number" if least == -math.inf else "zero or a positive finite number"
    return key, value, rule, all(math.isfinite(end) and end >= least for end in ends_of(value))
