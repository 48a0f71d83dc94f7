"""A conditional posterior q(c, z|x) by its definition, one joint category of c after the other.

Shapes: N images, B samples, A atoms, V normal variables, C columns of the discrete variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product

import torch
from torch import Tensor
from torch.distributions import Categorical, Normal

from runner.model.conditional import ConditionalSpace
from runner.model.discrete import Bernoulli, Concrete, Discrete
from tests.conftest import prior_of

NORMALS = 3
ONE: dict[str, Discrete] = {"c": Concrete(4)}
TWO: dict[str, Discrete] = {"c": Concrete(3), "on": Bernoulli(0.3)}


def space_of(discrete: Mapping[str, Discrete], density: str = "exact") -> ConditionalSpace:
    plain = prior_of(discrete, NORMALS)
    block = replace(plain.discrete, density=density)
    of = (plain.continuous, plain.prior, plain.tree, plain.variable_names)
    return ConditionalSpace(block, *of).double()


class Enumerated:
    """q(c, z|x) of every image by its definition."""

    def __init__(self, space: ConditionalSpace, parameters_NP: Tensor) -> None:
        self.space, self.parameters_NP = space, parameters_NP
        self.kinds = space.discrete.variables
        self.values = list(product(*(range(kind.categories) for kind in self.kinds)))
        width = space.discrete.width
        normals = parameters_NP[:, width:].reshape(len(parameters_NP), len(self.values), 2, -1)
        self.loc_NAV, self.scale_NAV = normals[:, :, 0], normals[:, :, 1].exp()
        self.tables = [
            Categorical(logits=logits) for logits in self._logits(parameters_NP[:, :width])
        ]

    def _logits(self, columns_NC: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        start = 0
        for kind in self.kinds:
            part = columns_NC[:, start : start + kind.width]
            found.append(part if kind.width > 1 else torch.cat([torch.zeros_like(part), part], 1))
            start += kind.width
        return found

    @cached_property
    def log_atom_NA(self) -> Tensor:
        tables = [
            torch.stack(
                [t.log_prob(torch.tensor(k)) for t, k in zip(self.tables, value, strict=True)]
            )
            for value in self.values
        ]
        return torch.stack(tables, dim=2).sum(0)

    def log_q(
        self, image: int, given: Sequence[int | None], z_V: Tensor, normal: list[int]
    ) -> Tensor:
        """Return log q(d, z_s|x), where ``given`` has None for variables that are summed out."""
        parts: list[Tensor] = []
        for a, value in enumerate(self.values):
            if all(g is None or g == k for g, k in zip(given, value, strict=True)):
                normals = Normal(self.loc_NAV[image, a], self.scale_NAV[image, a])
                log_z = normals.log_prob(z_V)[normal].sum()
                parts.append(self.log_atom_NA[image, a] + log_z)
        return torch.logsumexp(torch.stack(parts), 0)

    def log_pairs(self, part: Sequence[int], z_BV: Tensor) -> Tensor:
        """Return log q(d, z_s|x) of a set of variables, (B, N, A), d being their values at atoms.

        It is the sum over all atoms that have the same values of d.
        """
        count = len(self.kinds)
        log_q = Normal(self.loc_NAV, self.scale_NAV).log_prob(z_BV[:, None, None])
        log_BNA = log_q[..., [v - count for v in part if v >= count]].sum(3) + self.log_atom_NA
        value_AD = torch.tensor(self.values)[:, [v for v in part if v < count]]
        alike_AA = (value_AD[:, None] == value_AD).all(2)
        return torch.stack([log_BNA[..., alike_A].logsumexp(2) for alike_A in alike_AA], dim=2)
