"""What holds for every number among the settings: it is finite, and no size is absurd."""

from __future__ import annotations

import math
from collections.abc import Iterator

from runner.config.prior_schema import VampPriorConfig
from runner.config.rule import Rule
from runner.config.schedule import Schedule, ends_of
from runner.config.schema import (
    AnySizeConfig,
    BroadcastConfig,
    CategoricalConfig,
    ConvConfig,
    MlpConfig,
    NvdmConfig,
    ProdldaConfig,
    RunConfig,
)
from runner.config.typed_fields import typed_leaves
from runner.config.value_types import LARGEST


def weight_rules(config: RunConfig) -> Iterator[Rule]:
    """Yield the rules of alpha, beta and gamma, which are to be named before what they weigh."""
    for name, value in (("alpha", config.alpha), ("beta", config.beta), ("gamma", config.gamma)):
        holds = all(math.isfinite(end) for end in ends_of(value))
        yield name, value, "a finite number", holds


_SIZES: dict[type, tuple[str, ...]] = {
    ConvConfig: ("features",),
    AnySizeConfig: ("channels", "smallest", "features"),
    BroadcastConfig: ("channels", "layers", "cell"),
}
"""Settings of a network that are counts."""


def number_rules(config: RunConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is) of every number."""
    for key, _, value in typed_leaves(config):
        if isinstance(value, Schedule):
            holds = all(map(math.isfinite, (value.start, value.end))) and value.over <= LARGEST
            yield key, value, "a schedule of finite numbers", holds
        elif isinstance(value, float):
            yield key, value, "a finite number", math.isfinite(value)
        elif isinstance(value, int):
            yield key, value, f"at most {LARGEST:,}", value <= LARGEST


def size_rules(config: RunConfig) -> Iterator[Rule]:
    """Yield the rules of the sizes that only some networks, likelihoods and priors have."""
    network, likelihood, prior = config.architecture, config.likelihood, config.prior
    if isinstance(network, MlpConfig | BroadcastConfig | ProdldaConfig | NvdmConfig):
        holds = all(width >= 1 for width in network.widths)
        yield "architecture.widths", network.widths, "numbers of units, 1 or more each", holds
    if isinstance(network, ProdldaConfig):
        yield "architecture.dropout", network.dropout, "from 0 to below 1", 0 <= network.dropout < 1
    for name in _SIZES.get(type(network), ()):
        value = getattr(network, name)
        yield f"architecture.{name}", value, "at least 1", value >= 1
    if isinstance(likelihood, CategoricalConfig):
        yield "likelihood.levels", likelihood.levels, "at least 2", likelihood.levels >= 2
    if isinstance(prior, VampPriorConfig):
        yield "prior.pseudo_inputs", prior.pseudo_inputs, "at least 1", prior.pseudo_inputs >= 1
