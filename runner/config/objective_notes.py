"""What may surprise whoever weighs the terms of an objective: weights that have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runner.config.schema import WEIGHT_NAMES

if TYPE_CHECKING:
    from omegaconf import DictConfig


def objective_notes(settings: DictConfig, overrides: Sequence[str]) -> Iterator[str]:
    """Yield a line on each weight that has no effect, of composed settings of a run."""
    yield from _unused_weights(settings, overrides)
    yield from _rewards_without_gradient(settings)


def _unused_weights(settings: DictConfig, overrides: Sequence[str]) -> Iterator[str]:
    """Yield a note on each weight among the overrides that the objective does not have."""
    from omegaconf import OmegaConf

    objective = OmegaConf.to_yaml(settings.objective)
    for name in WEIGHT_NAMES:
        given = any(override.startswith(f"{name}=") for override in overrides)
        if given and f"${{{name}}}" not in objective:
            yield f"{name} has no effect with objective={settings.objective.name}"


def _rewards_without_gradient(settings: DictConfig) -> Iterator[str]:
    """Yield a note on each weight of I(x; z_g) of a group of discrete variables alone.

    The published form takes q(c|x) at a category c that was drawn, where the gradient of
    log q(c|x) has the mean zero, and so has that of log q(c): it tells the encoder nothing.
    """
    density = settings.objective.concrete_density
    if density != "argmax":
        return
    prior = settings.prior
    discrete = {str(name) for name in prior.get("discrete") or {}}
    if prior.name == "concrete_normal":
        discrete.add("category")
    groups = prior.get("groups") or {}
    for group, weight in settings.objective.group_information.items():
        if weight and all(str(name) in discrete for name in groups.get(group, [group])):
            yield (
                f"objective.group_information.{group} trains no encoder with "
                f"objective.concrete_density={density}, whose gradient ignores that the category "
                "depends on it; with exact or drawn it does"
            )
