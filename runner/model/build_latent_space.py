"""From settings to a prior: which variables there are, in which tree, under which density."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from runner.config import (
    CodePriorConfig,
    ConcreteNormalPriorConfig,
    DiscreteKind,
    PriorConfig,
    Schedule,
)
from runner.errors import UsageError
from runner.model.discrete import Discrete, build_discrete
from runner.model.discrete_block import DiscreteBlock
from runner.model.latent_space import LatentSpace
from runner.model.prior import build_prior
from runner.model.tree import build_tree, numbered
from runner.model.variables import Codes, LogNormals, Normals

_MOST_ATOMS = 4096
"""Combinations of discrete values that an exact sum may run over while training."""

_CATEGORY = "category"
"""The Concrete variable of ``prior=concrete_normal``."""


def build_latent_space(
    config: PriorConfig,
    *,
    shape: tuple[int, int, int],
    classes: int,
    concrete_density: str,
    images: Callable[[], Tensor],
) -> LatentSpace:
    """Return the prior of a configuration for a dataset with such images and so many classes.

    ``images`` gives training images from 0 to 1, (N, C, H, W), for priors that start from them.

    Raises: UsageError when no prior has that name, or its variables or groups make no sense.
    """
    discrete = _discrete(config, classes)
    block = DiscreteBlock(discrete, concrete_density, _temperature(config))
    if block.enumerated and block.atoms > _MOST_ATOMS:
        raise UsageError(
            f"prior.discrete has {block.atoms:,} combinations of values, "
            f"too many for an exact sum (at most {_MOST_ATOMS:,})",
            "objective.concrete_density=relaxed draws them instead",
        )
    stem = "style" if isinstance(config, ConcreteNormalPriorConfig) else "z"
    names = numbered(stem, config.dimensions)
    for name in names:
        if name in discrete:
            raise UsageError(f"prior.discrete.{name} has the name of a continuous variable")
    tree = build_tree(config, tuple(discrete), names)
    if isinstance(config, CodePriorConfig):
        if discrete:
            raise UsageError("prior=code is one deterministic code: it takes no prior.discrete")
        return LatentSpace(block, Codes(config.dimensions, config.activation), None, tree, names)
    kind = LogNormals if config.name == "log_normal" else Normals
    density = build_prior(config, shape, images)
    return LatentSpace(block, kind(config.dimensions), density, tree, (*discrete, *names))


def _discrete(config: PriorConfig, classes: int) -> dict[str, Discrete]:
    wanted: dict[str, DiscreteKind] = dict(config.discrete)
    if isinstance(config, ConcreteNormalPriorConfig):
        wanted = {_CATEGORY: config.categories, **wanted}
    return {name: build_discrete(kind, classes=classes) for name, kind in wanted.items()}


def _temperature(config: PriorConfig) -> float:
    """Return the temperature of a run whose temperature is constant; a schedule sets its own."""
    value = config.temperature
    return 1.0 if isinstance(value, Schedule) else float(value)
