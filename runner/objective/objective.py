"""An objective: its weights as a function of the step, beside a plan that no step changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import cast

import torch
from torch import Tensor

from runner.config import (
    STRENGTHS,
    UNPAIRED,
    ObjectiveConfig,
    RunConfig,
    Schedule,
    Value,
    at_step,
    values,
)
from runner.errors import UsageError, nearest
from runner.objective.aggregate_posterior import Node
from runner.objective.marginals import required_marginals
from runner.objective.plan import Plan, Static
from runner.objective.terms import TERM_NAMES

FIRST_GROUP = "first"
"""In ``group_information`` and ``group_rate``, the prior's first group, whatever its name."""
_BESIDE_LEVELS = ("index_code_mi", "dimension_wise_kl")
"""The terms of the KL that are not the total correlation of a level of the tree."""

_SWITCHES = {"supervision": "labels"}
"""Penalty → the setting of the run without which it is off, whatever its weight."""


@dataclass(frozen=True)
class TermWeights:
    """The weights of the terms, of every level of the tree, and of single groups."""

    terms: dict[str, Value]
    levels: list[Value]
    """Of the total correlation of every level of the tree, between groups first."""
    groups: dict[int, Value]
    """Of I(x; z_g), by number of the group; a negative one is a reward."""
    rates: dict[int, Value]
    """Of KL(q(z_g|x)||p(z_g)), by number of the group."""

    @property
    def of_kl(self) -> list[Value]:
        """All weights of terms that make up the KL."""
        return [*(self.terms[name] for name in _BESIDE_LEVELS), *self.levels]


@dataclass(frozen=True)
class Objective:
    """The plan of an objective, and the number behind each of its slots at every step."""

    plan: Plan
    weights_of_terms: TermWeights
    others: dict[str, Value]
    """Slots of the penalties, the corruption and the temperature → value."""

    @classmethod
    def from_config(cls, config: RunConfig, tree: Node, dataset_size: int) -> Objective:
        """Return the objective of a run for a prior with this tree and N training images.

        Raises: UsageError when ``group_information`` or ``group_rate`` names a group that the
            prior lacks, or ``levels`` has another number of weights than the tree has levels below
            its groups.
        """
        weights = _term_weights(config.objective, tree)
        others = _other_numbers(config)
        plan = _plan(config, tree, dataset_size, weights, tuple(others))
        return cls(plan, weights, others)

    @property
    def is_constant(self) -> bool:
        """Whether the weights are the same at every step."""
        of = self.weights_of_terms
        of_groups = (*of.groups.values(), *of.rates.values())
        every = [*of.terms.values(), *of.levels, *of_groups, *self.others.values()]
        return not any(isinstance(value, Schedule) for value in every)

    def term_weights(self, step: int) -> dict[str, float]:
        """Return the five weights of the terms at a step, dimensionless."""
        return {name: at_step(v, step) for name, v in self.weights_of_terms.terms.items()}

    def weights(self, step: int) -> Tensor:
        """Return the weights of a step, counted from zero, in the order of the plan's slots.

        Shapes: (S,), float64, on the CPU.
        """
        numbers = self._numbers(step)
        return torch.tensor([numbers[slot] for slot in self.plan.slots], dtype=torch.float64)

    def _numbers(self, step: int) -> dict[str, float]:
        of = self.weights_of_terms
        shared = self._shared_weight(step)
        numbers = {slot: at_step(value, step) for slot, value in self.others.items()}
        numbers |= {name: at_step(value, step) - shared for name, value in of.terms.items()}
        numbers |= {f"levels.{i}": at_step(v, step) - shared for i, v in enumerate(of.levels)}
        numbers |= {f"groups.{g}": at_step(value, step) for g, value in of.groups.items()}
        numbers |= {f"rates.{g}": at_step(value, step) for g, value in of.rates.items()}
        numbers["reconstruction"] = at_step(of.terms["reconstruction"], step)
        return numbers | {"rate": shared}

    def _shared_weight(self, step: int) -> float:
        """Return the smallest weight of the terms that make up the KL: what all of them share."""
        of = self.weights_of_terms
        # Without marginals all weigh the same, but for levels at which nothing is split.
        shared = of.of_kl if self.plan.required_marginals else of.of_kl[:1]
        return min(at_step(value, step) for value in shared)


def _term_weights(config: ObjectiveConfig, tree: Node) -> TermWeights:
    deeper = max(1, _depth(tree) - 1)
    if config.levels and len(config.levels) != deeper:
        raise UsageError(
            f"objective.levels has {len(config.levels)} weights, but the prior's tree "
            f"has {deeper} level{'s' * (deeper > 1)} below its groups"
        )
    of = config.weights
    within = config.levels or [of.within_group_total_correlation] * deeper
    return TermWeights(
        {name: cast("Value", getattr(of, name)) for name in TERM_NAMES},
        [of.group_total_correlation, *within],
        _by_number("group_information", config.group_information, tree),
        _by_number("group_rate", config.group_rate, tree),
    )


def _by_number(key: str, weights: Mapping[str, Value], tree: Node) -> dict[int, Value]:
    """Return the weights of groups by the groups' numbers.

    Raises: UsageError when one is of a group that the prior lacks.
    """
    names = tuple(group.name for group in tree.children)
    for name in weights:
        if name not in (*names, FIRST_GROUP):
            raise UsageError(
                f"objective.{key} names '{name}', but the prior's groups are {', '.join(names)}",
                nearest(name, names),
            )
    return {
        0 if name == FIRST_GROUP else names.index(name): weight for name, weight in weights.items()
    }


def _other_numbers(config: RunConfig) -> dict[str, Value]:
    """Return the numbers beside the terms' weights, by slot."""
    penalties = _penalties(config)
    found = {f"{name}.{key}": v for name, numbers in penalties.items() for key, v in numbers}
    if config.objective.corruption.amount != 0:
        found["corruption.amount"] = config.objective.corruption.amount
    if isinstance(config.prior.temperature, Schedule):  # a constant one belongs to the model
        found["temperature"] = config.prior.temperature
    return found


def _penalties(config: RunConfig) -> dict[str, list[tuple[str, Value]]]:
    """Return the numbers that may be scheduled of every penalty that ever weighs something."""
    every = config.objective.penalties
    off = [name for name, key in _SWITCHES.items() if getattr(config, key) is None]
    names = [each.name for each in fields(every) if each.name not in off]
    found = {name: list(values(getattr(every, name))) for name in names}
    return {
        name: numbers
        for name, numbers in found.items()
        if any(value != 0 for key, value in numbers if key in STRENGTHS)
    }


def _static(config: ObjectiveConfig, penalties: tuple[str, ...]) -> Static:
    found: list[tuple[str, object]] = []
    for name in penalties:
        settings = getattr(config.penalties, name)
        numbers = dict(values(settings))
        for key, value in vars(settings).items():
            if key not in numbers:
                plain = tuple(cast("list[object]", value)) if isinstance(value, list) else value
                found.append((f"{name}.{key}", plain))
    return tuple(found)


def _plan(
    run: RunConfig,
    tree: Node,
    dataset_size: int,
    weights: TermWeights,
    others: tuple[str, ...],
) -> Plan:
    needed = required_marginals(
        tree,
        index_code_mi=weights.terms["index_code_mi"],
        levels=weights.levels,
        dimension_wise_kl=weights.terms["dimension_wise_kl"],
        groups=weights.groups,
    )
    terms, levels = _above_the_rate(weights) if needed else ((), ())
    groups = tuple(group for group, weight in weights.groups.items() if weight != 0)
    rates = tuple(group for group, weight in weights.rates.items() if weight != 0)
    config, penalties = run.objective, tuple(_penalties(run))
    return Plan(
        dataset_size=dataset_size,
        weighting=config.encoding_weights,
        required_marginals=needed,
        terms=terms,
        levels=levels,
        groups=groups,
        rates=rates,
        penalties=penalties,
        corruption=config.corruption.kind if "corruption.amount" in others else None,
        pairs=None if config.pairs.posterior == UNPAIRED else config.pairs.posterior,
        static=_static(config, penalties),
        slots=(
            *("reconstruction", "rate", *terms),
            *(f"levels.{level}" for level in levels),
            *(f"groups.{group}" for group in groups),
            *(f"rates.{group}" for group in rates),
            *others,
        ),
        settings=config.penalties,
    )


def _above_the_rate(weights: TermWeights) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the terms and the levels that ever weigh more than the weight that all share."""
    is_scheduled = any(isinstance(value, Schedule) for value in weights.of_kl)
    # Where a weight is scheduled, none is taken to be the least of all at every step.
    least = None if is_scheduled else min(at_step(value, 0) for value in weights.of_kl)
    terms = tuple(name for name in _BESIDE_LEVELS if weights.terms[name] != least)
    return terms, tuple(level for level, value in enumerate(weights.levels) if value != least)


def _depth(tree: Node) -> int:
    """Return the number of levels at which something is split, at least one."""
    return 1 + max((_depth(child) for child in tree.children if child.children), default=0)
