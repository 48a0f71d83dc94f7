"""From settings to a latent space: its variables, their tree of groups, and p(z)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from runner.config import (
    CodePriorConfig,
    ConcreteNormalPriorConfig,
    DiscreteKind,
    PriorConfig,
    QuantisedCodePriorConfig,
    Schedule,
)
from runner.errors import UsageError
from runner.model.conditional import ConditionalSpace, require_discrete
from runner.model.discrete import Discrete, build_discrete
from runner.model.discrete_block import DiscreteBlock
from runner.model.known_class import class_variable
from runner.model.latent_space import LatentSpace
from runner.model.own import own_prior
from runner.model.prior import PriorImages, build_prior
from runner.model.quantised import Quantised
from runner.model.tree import build_tree, numbered
from runner.model.variables import Codes, Continuous, LogNormals, Normals
from runner.plugins import piece

_MOST_ATOMS = 4096
"""Largest number of joint categories for an exact sum in training."""

_CATEGORY = "category"
"""Name of the Concrete variable of ``prior=concrete_normal``."""


def build_latent_space(  # noqa: PLR0913 - by keyword
    config: PriorConfig,
    *,
    shape: tuple[int, int, int],
    classes: int,
    concrete_density: str,
    images: Callable[[], Tensor],
    conditional: bool = False,
    hard: bool = False,
    labelled: bool = False,
) -> LatentSpace:
    """Return the latent space of a configuration.

    Args:
        config: the settings under ``prior``.
        shape: (C, H, W) of an image.
        classes: number of classes of the dataset.
        concrete_density: how discrete variables enter q(z); see ``discrete_block``.
        images: returns training images as the encoder sees them, (N, C, H, W), for priors that are
            initialised from them.
        conditional: whether q(z|x) of normal variables depends on the discrete ones.
        hard: whether the decoder is given categories in training.
        labelled: whether one of the discrete variables is the class, trained with labels.

    Raises: UsageError when no prior has that name, or its variables or groups are invalid.
    """
    discrete = _discrete(config, classes)
    known = class_variable(discrete, classes) if labelled else None
    block = DiscreteBlock(discrete, concrete_density, _temperature(config), hard, known)
    if block.enumerated and block.atoms > _MOST_ATOMS:
        raise UsageError(
            f"prior.discrete has {block.atoms:,} combinations of values, "
            f"too many for an exact sum (at most {_MOST_ATOMS:,})",
            "objective.concrete_density=relaxed samples them instead",
        )
    stem = "style" if isinstance(config, ConcreteNormalPriorConfig) else "z"
    names = numbered(stem, config.dimensions)
    for name in names:
        if name in discrete:
            raise UsageError(f"prior.discrete.{name} has the name of a continuous variable")
    tree = build_tree(config, tuple(discrete), names)
    if isinstance(config, CodePriorConfig | QuantisedCodePriorConfig):
        if discrete:
            raise UsageError(
                f"prior={config.name} is one deterministic code: it takes no prior.discrete"
            )
        return LatentSpace(block, _code(config), None, tree, names)
    kind = LogNormals if config.name == "log_normal" else Normals
    own = piece("prior", config.name)
    density = (
        build_prior(config, shape, images)
        if own is None
        else own_prior(own, config, PriorImages(shape, images))
    )
    if conditional:
        require_discrete(block, config.name)
    space = ConditionalSpace if conditional else LatentSpace
    return space(block, kind(config.dimensions), density, tree, (*discrete, *names))


def _code(config: CodePriorConfig | QuantisedCodePriorConfig) -> Continuous:
    if isinstance(config, CodePriorConfig):
        return Codes(config.dimensions, config.activation)
    return Quantised(config.dimensions, config.values, config.start, learned=config.learned)


def _discrete(config: PriorConfig, classes: int) -> dict[str, Discrete]:
    wanted: dict[str, DiscreteKind] = dict(config.discrete)
    if isinstance(config, ConcreteNormalPriorConfig):
        wanted = {_CATEGORY: config.categories, **wanted}
    return {name: build_discrete(kind, classes=classes) for name, kind in wanted.items()}


def _temperature(config: PriorConfig) -> float:
    """Return a constant temperature; a scheduled one is set at every step."""
    value = config.temperature
    return 1.0 if isinstance(value, Schedule) else float(value)
