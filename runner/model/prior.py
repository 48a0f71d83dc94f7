"""The latent space: kinds of variables, their names, and how they are gathered in groups.

Shapes: B samples, M encodings, V variables, A atoms, W columns of z, P numbers from the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from runner.config import ConcreteNormalPriorConfig, PriorConfig
from runner.errors import UsageError, nearest
from runner.model.variables import Concrete, Normals, Variables


@dataclass(frozen=True)
class GroupDensities:
    """Log-densities of one group's variables, in nats; see ``objective.aggregate_posterior``."""

    log_qz_x_VABM: Tensor
    log_qz_x_VAB: Tensor
    log_pz_VAB: Tensor


@dataclass(frozen=True)
class Densities:
    """Log-densities of all groups, and the probability of each atom."""

    groups: tuple[GroupDensities, ...]
    atoms_AB: Tensor


@dataclass(frozen=True)
class Group:
    """A named group: the variables ``start`` to ``stop`` of one kind."""

    name: str
    kind: int
    start: int
    stop: int


@dataclass(frozen=True)
class Prior:
    """p(z): independent variables of one or more kinds, gathered in groups."""

    kinds: tuple[Variables, ...]
    groups: tuple[Group, ...]
    variable_names: tuple[str, ...]
    """Names of all variables, kind by kind, which is also group by group."""

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        return tuple(group.name for group in self.groups)

    @property
    def width(self) -> int:
        """Columns of z."""
        return sum(kind.width for kind in self.kinds)

    @property
    def parameters(self) -> int:
        """Numbers the encoder gives for an image."""
        return sum(kind.parameters for kind in self.kinds)

    @property
    def columns(self) -> dict[str, slice]:
        """The columns of z of each variable: one for a normal, one a category for a Concrete."""
        names, columns, start = iter(self.variable_names), {}, 0
        for kind in self.kinds:
            width = kind.width // kind.count
            for _ in range(kind.count):
                columns[next(names)] = slice(start, start + width)
                start += width
        return columns

    def with_exact_sums(self) -> Prior:
        """Return this prior with every Concrete variable entering by its exact sum."""
        kinds = tuple(
            replace(kind, density="exact") if isinstance(kind, Concrete) else kind
            for kind in self.kinds
        )
        return replace(self, kinds=kinds)

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the randomness of ``samples`` draws, (B, W)."""
        return torch.cat([kind.noise(samples, generator) for kind in self.kinds], dim=1)

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return a differentiable draw from q(z|x), (B, W)."""
        parts = zip(
            self.kinds, self.split_parameters(parameters_BP), self.split(noise_BW), strict=True
        )
        return torch.cat([kind.sample(p, noise) for kind, p, noise in parts], dim=1)

    def prior_sample(self, noise_BW: Tensor) -> Tensor:
        """Return a draw from p(z), (B, W)."""
        parts = zip(self.kinds, self.split(noise_BW), strict=True)
        return torch.cat([kind.prior_sample(noise) for kind, noise in parts], dim=1)

    def harden(self, z_BW: Tensor) -> Tensor:
        """Return z with every relaxed variable replaced by the value it stands for."""
        parts = zip(self.kinds, self.split(z_BW), strict=True)
        return torch.cat([kind.harden(part) for kind, part in parts], dim=1)

    def centre(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean representation of the images, (B, W)."""
        parts = zip(self.kinds, self.split_parameters(parameters_BP), strict=True)
        return torch.cat([kind.centre(part) for kind, part in parts], dim=1)

    def rate(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable, (B, V), in nats."""
        parts = zip(self.kinds, self.split(z_BW), self.split_parameters(parameters_BP), strict=True)
        return torch.cat([kind.rate(z, p) for kind, z, p in parts], dim=1)

    def densities(self, z_BW: Tensor, parameters_BP: Tensor, encodings_MP: Tensor) -> Densities:
        """Return the log-densities of samples under all encodings, their own, and the prior."""
        pieces = list(
            zip(
                self.kinds,
                self.split(z_BW),
                self.split_parameters(parameters_BP),
                self.split_parameters(encodings_MP),
                strict=True,
            )
        )
        pairs = [kind.log_pairs(z, encodings) for kind, z, _, encodings in pieces]
        own = [kind.log_own(z, p) for kind, z, p, _ in pieces]
        prior = [kind.log_prior(z) for kind, z, _, _ in pieces]
        atoms = [kind.atoms(p) for kind, _, p, _ in pieces]
        return Densities(
            groups=tuple(
                GroupDensities(
                    pairs[g.kind][g.start : g.stop],
                    own[g.kind][g.start : g.stop],
                    prior[g.kind][g.start : g.stop],
                )
                for g in self.groups
            ),
            atoms_AB=max(atoms, key=len),  # at most one kind has more than a single atom
        )

    def split(self, z_BW: Tensor) -> tuple[Tensor, ...]:
        """Return the columns of z that belong to each kind."""
        return z_BW.split([kind.width for kind in self.kinds], dim=1)

    def split_parameters(self, parameters_BP: Tensor) -> tuple[Tensor, ...]:
        """Return the encoder's numbers that belong to each kind."""
        return parameters_BP.split([kind.parameters for kind in self.kinds], dim=1)


def build_prior(config: PriorConfig, *, classes: int, concrete_density: str) -> Prior:
    """Return the prior of a configuration for a dataset with so many classes.

    Raises: UsageError when no prior has that name.
    """
    if config.name not in PRIORS:
        raise UsageError(f"unknown prior '{config.name}'", nearest(config.name, PRIORS))
    return PRIORS[config.name](config, classes, concrete_density)


def _normal(config: PriorConfig, classes: int, concrete_density: str) -> Prior:  # noqa: ARG001 - one door
    kind = Normals(config.dimensions)
    groups = _normal_groups("z", config, kind=0)
    return Prior((kind,), groups, _numbered("z", config.dimensions))


def _concrete_normal(config: PriorConfig, classes: int, concrete_density: str) -> Prior:
    if not isinstance(config, ConcreteNormalPriorConfig):
        raise TypeError("concrete_normal needs its own settings")
    concrete = Concrete(config.categories or classes, config.temperature, concrete_density)
    groups = (Group("category", 0, 0, 1), *_normal_groups("style", config, kind=1))
    names = ("category", *_numbered("style", config.dimensions))
    return Prior((concrete, Normals(config.dimensions)), groups, names)


def _normal_groups(stem: str, config: PriorConfig, kind: int) -> tuple[Group, ...]:
    size = config.group_size or config.dimensions
    names = _group_names(stem, config.dimensions // size, size)
    return tuple(Group(name, kind, i * size, (i + 1) * size) for i, name in enumerate(names))


def _group_names(stem: str, groups: int, size: int) -> Sequence[str]:
    if groups == 1:
        return (stem,)
    if size == 1:  # a group of one variable has the variable's name
        return _numbered(stem, groups)
    return tuple(f"{stem}_{i * size}-{(i + 1) * size - 1}" for i in range(groups))


def _numbered(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}_{i}" for i in range(count))


PRIORS: dict[str, Callable[[PriorConfig, int, str], Prior]] = {
    "normal": _normal,
    "concrete_normal": _concrete_normal,
}
