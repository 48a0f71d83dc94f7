"""Settings that a method does not read: a run that sets one is refused, since it would not act."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runner.config import PRECISIONS, STRENGTHS, UNPAIRED, CodePriorConfig, RunConfig, values
from runner.config.objective_schema import CONCRETE_DENSITIES, CONCRETE_DRAWS, ENCODING_WEIGHTS
from runner.config.shown import shown
from runner.errors import UsageError

_Setting = tuple[str, object, object]
"""Dotted name, value, and the value with which it does nothing."""

_OF_LABELS = "supervision"
"""The penalty that is off without labels, which are refused by themselves."""


def refuse_unread(config: RunConfig, reads: Collection[str]) -> None:
    """Refuse what acts in the VAE family and not here; ``reads`` are the exceptions by name.

    Settings that a dataset or another choice brings for all methods (networks, rates, sizes of a
    minibatch, alpha, beta and gamma) are left as they are.

    Raises: UsageError naming the first such setting.
    """
    of = f"objective={config.objective.name}"
    for key, value, off in _settings(config):
        if value != off and key not in reads:
            got, nothing = (each if isinstance(each, str) else shown(each) for each in (value, off))
            raise UsageError(f"{key}={got} has no effect with {of}", f"{key}={nothing}")


def _settings(config: RunConfig) -> Iterator[_Setting]:
    yield "precision", config.precision, PRECISIONS[0]
    yield "training.weight_decay", config.training.weight_decay, 0
    yield "training.clip_gradient", config.training.clip_gradient, None
    yield "architecture.conditional", config.architecture.conditional, False
    yield "architecture.tied", getattr(config.architecture, "tied", False), False
    if isinstance(config.prior, CodePriorConfig):  # another may bring groups
        yield "prior.group_size", config.prior.group_size, None
        yield "prior.groups", config.prior.groups, None
    yield from _of_objective(config)


def _of_objective(config: RunConfig) -> Iterator[_Setting]:
    of, at = config.objective, "objective"
    for name, weight in values(of.weights):
        yield f"{at}.weights.{name}", weight, int(name == "reconstruction")
    yield f"{at}.levels", of.levels, []
    for name, weight in of.group_information.items():
        yield f"{at}.group_information.{name}", weight, 0
    for name, weight in of.group_rate.items():
        yield f"{at}.group_rate.{name}", weight, 0
    for name, strength in values(of.penalties):
        section, _, key = name.rpartition(".")
        if key in STRENGTHS and section != _OF_LABELS:
            yield f"{at}.penalties.{name}", strength, 0
    yield f"{at}.corruption.amount", of.corruption.amount, 0
    yield f"{at}.pairs.posterior", of.pairs.posterior, UNPAIRED
    yield f"{at}.concrete_density", of.concrete_density, CONCRETE_DENSITIES[0]
    yield f"{at}.concrete_draws", of.concrete_draws, CONCRETE_DRAWS[0]
    yield f"{at}.encodings", of.encodings, None
    yield f"{at}.encoding_weights", of.encoding_weights, ENCODING_WEIGHTS[0]
