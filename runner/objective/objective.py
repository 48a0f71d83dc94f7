"""The weighted sum that is minimised: an objective is its weights, and penalties beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from runner.config import ObjectiveConfig, Schedule, schedules
from runner.errors import UsageError, nearest
from runner.objective.aggregate_posterior import Node, log_mixture_weights, log_weights_with_bank
from runner.objective.terms import TERM_NAMES, Decomposition

Weight = float | Tensor
"""A constant, or a tensor without dimensions while it is scheduled: both multiply a tensor."""

_KL_TERMS = tuple(name for name in TERM_NAMES if name != "reconstruction")
FIRST_GROUP = "first"
"""In ``group_information``, the prior's first group, whatever its name."""


@dataclass(frozen=True)
class Objective:
    """The weights of one step and what they are weights of."""

    settings: ObjectiveConfig
    """Its numbers are those of one step."""
    group_names: tuple[str, ...]
    deeper_levels: int
    """Levels of the tree of variables below that of the groups."""
    dataset_size: int
    """N, the number of images that the aggregate posterior is a mean over."""
    schedules: Mapping[str, Schedule]
    """Dotted name → schedule of every number that changes while training."""
    required_marginals: frozenset[tuple[int, ...]]
    """The sets of variables whose marginal q the loss ever depends on: none for beta-VAE."""

    @classmethod
    def from_config(cls, config: ObjectiveConfig, tree: Node, dataset_size: int) -> Objective:
        """Return the objective of a configuration for a prior with this tree and N images.

        Raises: UsageError when ``group_information`` names a group that the prior lacks, or
            ``levels`` has another number of weights than the tree has levels below its groups.
        """
        names = tuple(group.name for group in tree.children)
        for name in config.group_information:
            if name not in (*names, FIRST_GROUP):
                raise UsageError(
                    f"objective.group_information names '{name}', "
                    f"but the prior's groups are {', '.join(names)}",
                    nearest(name, names),
                )
        deeper = max(1, _depth(tree) - 1)
        if config.levels and len(config.levels) != deeper:
            raise UsageError(
                f"objective.levels has {len(config.levels)} weights, but the prior's tree "
                f"has {deeper} level{'s' * (deeper > 1)} below its groups"
            )
        found = dict(schedules(config))
        objective = cls(config, names, deeper, dataset_size, found, required_marginals=frozenset())
        return replace(objective, required_marginals=_needed(objective, tree))

    def at(self, step: int) -> Objective:
        """Return the objective with the numbers of a step, counted from zero."""
        if not self.schedules:
            return self
        now = {key: torch.tensor(plan.at(step)) for key, plan in self.schedules.items()}
        return replace(self, settings=_with_numbers(self.settings, now))

    @property
    def needs_aggregate_posterior(self) -> bool:
        """Whether the loss ever depends on an estimate of q(z)."""
        return bool(self.required_marginals)

    @property
    def weights(self) -> dict[str, Weight]:
        """Weight of each term; the levels below the groups may have weights of their own."""
        return {name: getattr(self.settings.weights, name) for name in TERM_NAMES}

    @property
    def level_weights(self) -> list[Weight]:
        """Weight of the correlation of every level of the tree, between groups first."""
        within = self.weights["within_group_total_correlation"]
        deeper = self.settings.levels or [within] * self.deeper_levels
        return [self.weights["group_total_correlation"], *deeper]

    @property
    def group_information(self) -> dict[int, Weight]:
        """Weight on I(x; z_g) by number of the group; a negative one is a reward."""
        return {
            0 if name == FIRST_GROUP else self.group_names.index(name): weight
            for name, weight in self.settings.group_information.items()
        }

    @property
    def shared_weight(self) -> Weight:
        """The smallest weight of the terms that make up the KL: what all of them share."""
        weights = self.weights
        if (
            not self.required_marginals
        ):  # all weigh the same, but for levels at which nothing is split
            return weights["index_code_mi"]
        numbers: list[Any] = [weights["index_code_mi"], weights["dimension_wise_kl"]]
        numbers += self.level_weights
        if any(isinstance(number, Tensor) for number in numbers):
            return torch.stack([torch.as_tensor(number) for number in numbers]).amin()
        return min(numbers)

    def log_weights(self, samples: int, is_held_K: Tensor | None, like: Tensor) -> Tensor:
        """Return the log-weights of a minibatch's own encodings, and of a bank's if there is one.

        ``is_held_K`` says which places of the bank are taken. Shapes: (B, B) or (B, B + K).
        """
        if is_held_K is None:
            return log_mixture_weights(samples, samples, self.dataset_size, like=like)
        return log_weights_with_bank(samples, is_held_K, self.dataset_size)

    def loss(
        self, reconstruction: Tensor, rate: Tensor | None, decomposition: Decomposition | None
    ) -> Tensor:
        """Return the weighted sum of the terms, in nats per example.

        The four terms beside the reconstruction sum to the rate. The weight that they share is
        charged through ``rate`` (the closed form, where there is one) and only the differences
        through the estimate of q(z): the expectation is the same and the noise is smaller.

        Shapes: scalars; ``rate`` is None for a deterministic code, which has no such terms, and
        ``decomposition`` may be None unless :attr:`needs_aggregate_posterior`.
        """
        loss = self.weights["reconstruction"] * reconstruction
        if rate is None:
            return loss
        shared = self.shared_weight
        loss = loss + shared * rate
        if decomposition is None:
            return loss
        for name in ("index_code_mi", "dimension_wise_kl"):
            loss = loss + _charge(self.weights[name], shared, getattr(decomposition.terms, name))
        for level, weight in enumerate(self.level_weights):
            loss = loss + _charge(weight, shared, decomposition.levels_L[level])
        for group, weight in self.group_information.items():
            loss = loss + _charge(weight, 0.0, decomposition.group_information_G[group])
        return loss


def _needed(objective: Objective, tree: Node) -> frozenset[tuple[int, ...]]:
    """Return the sets of variables whose E log q does not cancel from the weighted sum.

    Each set stands in it with the weight of the level that it is split in, less that of the level
    in which it is a part, and so on; they cancel where both are one number, or one schedule.
    """
    charged: dict[tuple[int, ...], list[Any]] = defaultdict(list)
    credited: dict[tuple[int, ...], list[Any]] = defaultdict(list)
    levels: list[Any] = objective.level_weights
    credited[tree.variables].append(objective.weights["index_code_mi"])

    def visit(node: Node, depth: int) -> None:
        charged[node.variables].append(levels[depth])
        for child in node.children:
            credited[child.variables].append(levels[depth])
            if child.children:
                visit(child, depth + 1)
            else:
                charged[child.variables].append(objective.weights["dimension_wise_kl"])

    visit(tree, 0)
    for group, weight in objective.group_information.items():
        if weight:
            credited[tree.children[group].variables].append(("information", weight))
    return frozenset(part for part in charged if not _cancel(charged[part], credited[part]))


def _cancel(charged: Sequence[Any], credited: Sequence[Any]) -> bool:
    left = list(credited)
    for weight in charged:
        if weight not in left:
            return False
        left.remove(weight)
    return not left


def _charge(weight: Weight, shared: Weight, term: Tensor) -> Tensor | float:
    """Return what a term costs beyond the shared weight; nothing at all where that is zero."""
    rest = weight - shared
    return rest * term if isinstance(rest, Tensor) or rest != 0 else 0.0


def _depth(tree: Node) -> int:
    return 1 + max((_depth(c) for c in tree.children if c.children), default=0)


def _with_numbers(settings: Any, now: Mapping[str, Tensor], prefix: str = "") -> Any:  # noqa: ANN401 - any settings class
    """Return settings in which the named numbers are those of one step."""

    def changed(value: Any, key: str) -> Any:  # noqa: ANN401
        if key in now:
            return now[key]
        if is_dataclass(value):
            return _with_numbers(value, now, f"{key}.")
        if isinstance(value, dict):
            return {name: changed(item, f"{key}.{name}") for name, item in _items(value)}
        if isinstance(value, list):
            return [changed(item, f"{key}.{name}") for name, item in _items(value)]
        return value

    names = [field.name for field in fields(settings)]
    return replace(settings, **{n: changed(getattr(settings, n), f"{prefix}{n}") for n in names})


def _items(value: dict[str, Any] | Sequence[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        yield from ((str(i), item) for i, item in enumerate(value))
