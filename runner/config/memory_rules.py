"""Sizes for which this machine has too little memory, whatever the data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from runner import memory
from runner.config.prior_schema import CorrelatedPriorConfig, MixturePriorConfig
from runner.config.schema import (
    BroadcastConfig,
    ConvConfig,
    MlpConfig,
    NvdmConfig,
    ProdldaConfig,
    RunConfig,
)

_NUMBER = 4
"""Bytes of a parameter."""

_VARIABLE = 1024
"""Bytes of the name, the density and the figures of a variable, at the least."""


def check_memory(config: RunConfig) -> None:
    """Refuse a model whose sizes alone need more memory than this machine has.

    What is compared is the least that they need; what a run needs depends on the images, too.

    Raises: UsageError naming the setting.
    """
    for key, value, needed in _sizes(config):
        memory.require(needed, f"{key}={value}", f"choose a smaller {key}")


def _sizes(config: RunConfig) -> Iterator[tuple[str, object, float]]:
    """Yield (key, value, bytes that it needs at the least)."""
    prior, architecture = config.prior, config.architecture
    variables = max(prior.dimensions, 0)
    yield "prior.dimensions", variables, variables * _VARIABLE
    if isinstance(prior, CorrelatedPriorConfig) and not isinstance(prior.correlation, list):
        yield "prior.dimensions", variables, 2 * _NUMBER * variables**2
    if isinstance(prior, MixturePriorConfig):
        yield "prior.components", prior.components, _NUMBER * prior.components * variables
    encodings = config.objective.encodings or 0
    yield "objective.encodings", encodings, 2 * _NUMBER * encodings * variables
    if isinstance(architecture, MlpConfig | BroadcastConfig | ProdldaConfig | NvdmConfig):
        widths = [*architecture.widths, 2 * variables]
        layers = sum(max(0, one) * max(0, other) for one, other in pairwise(widths))
        yield "architecture.widths", architecture.widths, _NUMBER * layers
    if isinstance(architecture, BroadcastConfig):
        layers = max(0, architecture.layers) * max(0, architecture.channels) ** 2
        yield "architecture.channels", architecture.channels, _NUMBER * layers
        cell = max(0, architecture.channels) * max(0, architecture.cell) ** 2
        yield "architecture.cell", architecture.cell, _NUMBER * cell
    if isinstance(architecture, ConvConfig):
        layer = max(0, architecture.features) * max(2 * variables, _VARIABLE)
        yield "architecture.features", architecture.features, _NUMBER * layer
    discriminator = config.objective.penalties.discriminator
    hidden = sum(max(0, a) * max(0, b) for a, b in pairwise(discriminator.widths))
    yield "objective.penalties.discriminator.widths", discriminator.widths, _NUMBER * hidden
