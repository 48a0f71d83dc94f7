"""Values that no prior can use: groups that are no tree, a matrix of the wrong shape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast

from runner.config.prior_schema import (
    AnisotropicPriorConfig,
    ConcreteNormalPriorConfig,
    CorrelatedPriorConfig,
    DirichletLaplacePriorConfig,
    LaplacePriorConfig,
    MixturePriorConfig,
    PriorConfig,
    QuantisedCodePriorConfig,
    SparsePriorConfig,
    StudentTPriorConfig,
)
from runner.config.rule import Rule
from runner.errors import UsageError

_CATEGORY = "category"
"""The variable of ``concrete_normal``."""

_EXAMPLE = "{a: [z_0, z_1], b: [z_2]}"


def prior_rules(prior: PriorConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    size, dimensions = prior.group_size, prior.dimensions
    fits = size is None or (size >= 1 and dimensions % size == 0)
    fits = fits or prior.groups is not None  # which leaves the size without effect
    yield "prior.group_size", size, f"a divisor of prior.dimensions={dimensions}, or null", fits
    if isinstance(prior, ConcreteNormalPriorConfig):
        at_least_two = prior.categories is None or prior.categories >= 2
        yield "prior.categories", prior.categories, "at least 2, or null", at_least_two
        if _CATEGORY in prior.discrete:
            message = f"prior.discrete.{_CATEGORY} has the name of a variable that the prior has"
            raise UsageError(message, "prior.categories sets the number of its values")
    yield from _discrete_rules(prior.discrete)
    yield from _group_rules(prior.groups)
    yield from _density_rules(prior)


def _discrete_rules(discrete: Mapping[str, object]) -> Iterator[Rule]:
    rule = "a number of categories, bernoulli, or the probability of a one"
    for name, value in discrete.items():
        if not name.strip() or not name.isprintable():
            raise UsageError(f"prior.discrete: a variable needs a name, got '{name}'")
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 2
        is_probability = isinstance(value, float) and 0 < value < 1
        holds = value is None or value == "bernoulli" or is_count or is_probability
        yield f"prior.discrete.{name}", value, rule, holds


def _group_rules(groups: object) -> Iterator[Rule]:
    if groups is None:
        return
    if not isinstance(groups, Mapping) or not groups:
        raise UsageError(f"prior.groups must name groups, like {_EXAMPLE}, got {groups}")
    named = cast("Mapping[str, object]", groups)
    for name, part in named.items():
        yield from _part_rules(f"prior.groups.{name}", part)
    _refuse_group_names(list(_groups(named)))


def _groups(groups: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield (name, what it holds) of every group, at any depth."""
    for name, part in groups.items():
        yield str(name), part
        if isinstance(part, Mapping):
            yield from _groups(cast("Mapping[str, object]", part))


def _refuse_group_names(groups: list[tuple[str, object]]) -> None:
    """Refuse names of groups that could not be told from others: figures are stored by them.

    Raises: UsageError.
    """
    variables = {v for _, part in groups if isinstance(part, list) for v in cast("list[str]", part)}
    for name, part in groups:
        if not name.strip() or not name.isprintable():
            raise UsageError(f"prior.groups: a group needs a name, got '{name}'")
        if name in variables and part != [name]:
            raise UsageError(f"prior.groups.{name} has the name of a variable that it is not")


def _part_rules(key: str, part: object) -> Iterator[Rule]:
    if isinstance(part, Mapping) and part:
        for name, inner in cast("Mapping[str, object]", part).items():
            yield from _part_rules(f"{key}.{name}", inner)
        return
    variables = cast("list[object]", part) if isinstance(part, list) else []
    listed = bool(variables) and all(isinstance(name, str) for name in variables)
    yield key, part, "a list of variables or name further groups", listed


def _density_rules(prior: PriorConfig) -> Iterator[Rule]:
    """Yield the rules of the settings that one choice of prior alone has."""
    match prior:
        case AnisotropicPriorConfig():
            yield from _anisotropic_rules(prior)
        case DirichletLaplacePriorConfig():
            yield _positive("concentration", prior.concentration)
            rule = "at least 2, since a single proportion is always 1"
            yield "prior.dimensions", prior.dimensions, rule, prior.dimensions >= 2
        case StudentTPriorConfig():
            # Below one, draws overflow float32.
            holds = 1 <= prior.degrees < math.inf
            yield "prior.degrees", prior.degrees, "a number of at least 1", holds
        case SparsePriorConfig():
            yield "prior.gamma", prior.gamma, "a number from 0 to below 1", 0 <= prior.gamma < 1
            yield _positive("spike_scale", prior.spike_scale)
        case MixturePriorConfig():
            yield from _mixture_rules(prior)
        case CorrelatedPriorConfig():
            yield from _correlation_rules(prior.correlation, prior.dimensions)
        case QuantisedCodePriorConfig():
            yield "prior.values", prior.values, "at least 2", prior.values >= 2
            yield _positive("start", prior.start)
        case _:
            yield from _scale_rules(prior)


def _scale_rules(prior: PriorConfig) -> Iterator[Rule]:
    if isinstance(prior, LaplacePriorConfig):
        yield _positive("scale", prior.scale)


def _anisotropic_rules(prior: AnisotropicPriorConfig) -> Iterator[Rule]:
    yield _positive("total", prior.total)
    rule = f"pca, or a list of {prior.dimensions} (prior.dimensions) positive numbers"
    holds = prior.variances == "pca" or _are_positive(prior.variances, prior.dimensions)
    yield "prior.variances", prior.variances, rule, holds


def _mixture_rules(prior: MixturePriorConfig) -> Iterator[Rule]:
    components, dimensions = prior.components, prior.dimensions
    yield "prior.components", components, "at least 1", components >= 1
    yield _positive("variance", prior.variance)
    if prior.means == "random":
        return
    if prior.means == "ring":
        rule = "random or a list where prior.dimensions is 1"
        yield "prior.means", prior.means, rule, dimensions >= 2
        return
    rule = (
        f"ring, random, or a list of {components} (prior.components) "
        f"lists of {dimensions} (prior.dimensions) numbers"
    )
    yield "prior.means", prior.means, rule, _is_table(prior.means, components, dimensions)


def _correlation_rules(value: object, dimensions: int) -> Iterator[Rule]:
    if _are_numbers([value], 1):
        return
    rule = f"a number, or a list of {dimensions} (prior.dimensions) lists of as many numbers"
    yield "prior.correlation", value, rule, _is_table(value, dimensions, dimensions)
    rows, every = cast("list[list[float]]", value), range(dimensions)
    symmetric = all(rows[i][j] == rows[j][i] for i in every for j in range(i))
    symmetric = symmetric and all(rows[i][i] == 1 for i in every)
    yield "prior.correlation", value, "symmetric, with ones on its diagonal", symmetric


def _positive(name: str, value: float) -> Rule:
    return f"prior.{name}", value, "a positive number", 0 < value < math.inf


def _are_numbers(value: object, count: int) -> bool:
    """Return whether a setting is a list of so many finite numbers."""
    if not isinstance(value, list):
        return False
    entries = cast("list[object]", value)
    return len(entries) == count and all(
        isinstance(entry, int | float) and not isinstance(entry, bool) and math.isfinite(entry)
        for entry in entries
    )


def _are_positive(value: object, count: int) -> bool:
    return _are_numbers(value, count) and min(cast("list[float]", value)) > 0


def _is_table(value: object, rows: int, count: int) -> bool:
    """Return whether a setting is a list of so many lists of so many numbers."""
    if not isinstance(value, list):
        return False
    entries = cast("list[object]", value)
    return len(entries) == rows and all(_are_numbers(entry, count) for entry in entries)
