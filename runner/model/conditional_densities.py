"""Exact log-densities of a conditional posterior, q(c, z|x) = q(c|x) q(z|x, c).

With an atom a for each joint category of the discrete variables c, the density under encoding j of
a set s, of the discrete variables d and the normal ones v, is

    q(d, z_s|x_j) = sum of q(a|x_j) prod_v q(z_v|x_j, a) over the atoms a that have the values of d.

Shapes: B samples, M encodings, V normal variables, D discrete ones, A atoms, X = 2 V numbers of the
normals of an encoding at an atom.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from runner.model.log_mixture import log_mixture
from runner.model.node import Node
from runner.model.variables import HALF_LOG_2PI, log_normal


@dataclass(frozen=True)
class Components:
    """What q(c, z|x) consists of, for some encodings."""

    table_DAM: Tensor
    """Log q(c_d|x_j) of every discrete variable at every atom."""
    normals_MAX: Tensor
    """Means and then log-scales of q(z|x_j, a)."""

    @property
    def log_share_AM(self) -> Tensor:
        """Log q(a|x_j)."""
        return self.table_DAM.sum(0)

    def log_marginals(self, z_BV: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every normal variable, sample and encoding, (V, B, M)."""
        loc_AVM, log_scale_AVM = self.normals_MAX.permute(1, 2, 0).chunk(2, dim=1)
        constant_AVM = self.log_share_AM[:, None] - log_scale_AVM - HALF_LOG_2PI
        root_AVM = math.sqrt(0.5) * (-log_scale_AVM).exp()
        return log_mixture(z_BV.T, loc_AVM, root_AVM, constant_AVM)

    def log_normals(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log prod_v q(z_v|x_j, a) of every atom, sample and encoding, (A, B, M).

        As a product of the samples' [z^2, z] and the encodings' numbers, in float64 since it
        cancels digits as (z / scale)^2.
        """
        loc_MAV, log_scale_MAV = (
            torch.stack([part[..., v] for v in variables], dim=2).double()
            for part in self.normals_MAX.chunk(2, dim=2)
        )
        z_BX = torch.stack([z_BV[:, v] for v in variables], dim=1).double()
        precision_MAV = (-2 * log_scale_MAV).exp()
        both_MAV = precision_MAV * loc_MAV
        constant_MA = -0.5 * (both_MAV * loc_MAV).sum(2) - log_scale_MAV.sum(2)
        factors_MAF = torch.cat([-0.5 * precision_MAV, both_MAV], dim=2)
        features_BF = torch.cat([z_BX.square(), z_BX], dim=1)
        pairs_ABM = features_BF @ factors_MAF.permute(1, 2, 0)
        constant_A1M = (constant_MA - len(variables) * HALF_LOG_2PI).T[:, None]
        return (pairs_ABM + constant_A1M).to(z_BV.dtype)

    def log_own(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log prod_v q(z_v|x_i, a) of the samples under their own encodings, (A, B)."""
        if not variables:
            return z_BV.new_zeros(1, len(z_BV))
        loc_BAV, log_scale_BAV = self.normals_MAX.chunk(2, dim=2)
        log_BAV = log_normal(z_BV[:, None], loc_BAV, log_scale_BAV)
        return sum((log_BAV[..., v] for v in variables[1:]), start=log_BAV[..., variables[0]]).T


@dataclass(frozen=True)
class AtomSets:
    """Log-densities of sets of variables; variables are numbered, the discrete ones first."""

    z_BV: Tensor
    own: Components
    every: Components
    categories: tuple[int, ...]
    """The number of values of each discrete variable."""

    def log_pairs(self, variables: Sequence[int]) -> Tensor:
        """Return log q(d, z_s|x_j) of a set at every atom, sample and encoding, (A, B, M).

        A is 1 where no variable of the set is discrete, and B is 1 where all are.
        """
        discrete, normal = self.parted(variables)
        log_AM = self.every.log_share_AM[:, None]
        if not normal:
            return self._summed(log_AM, discrete)
        return self._summed(self.every.log_normals(self.z_BV, normal) + log_AM, discrete)

    def log_own(self, variables: Sequence[int]) -> Tensor:
        """Return log q(d, z_s|x_i) of the samples under their own encodings, (A or 1, B)."""
        discrete, normal = self.parted(variables)
        return self._summed(self.own.log_own(self.z_BV, normal) + self.own.log_share_AM, discrete)

    def parted(self, variables: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the discrete variables of a set, and the normal ones counted from zero."""
        count = len(self.categories)
        return [v for v in variables if v < count], [v - count for v in variables if v >= count]

    def _summed(self, log_A: Tensor, discrete: Sequence[int]) -> Tensor:
        """Return the log of the sum over the atoms that share the values of some variables."""
        others = [v for v in range(len(self.categories)) if v not in discrete]
        if not others:
            return log_A
        by_value = log_A.unflatten(0, self.categories)
        summed = torch.logsumexp(by_value, dim=others, keepdim=True)
        if not discrete:
            return summed.flatten(0, len(self.categories) - 1)
        return summed.expand(by_value.shape).flatten(0, len(self.categories) - 1)


class ConditionalDensities:
    """See ``objective.LogDensities`` for the fields; what has pairs is computed when asked for."""

    normals = draws = None

    def __init__(
        self,
        tree: Node,
        sets: AtomSets,
        *,
        log_pz: Callable[[Sequence[int]], Tensor],
        log_pv_VB: Tensor,
        prior_factorises: bool,
    ) -> None:
        self.tree, self.sets = tree, sets
        self.log_pz, self.log_pv_VB = log_pz, log_pv_VB
        self.prior_factorises = prior_factorises
        self.enumerated_VAM = sets.every.table_DAM
        self.own_enumerated_VAB = sets.own.table_DAM

    @property
    def atoms_AB(self) -> Tensor:
        """q(c|x_i, z_i), the share of every atom given the sample of z."""
        return self._atoms_AB

    @property
    def sampled_VBM(self) -> Tensor:
        """Log q(z_v|x_j), each a mixture over the atoms."""
        return self._sampled_VBM

    @property
    def own_sampled_VB(self) -> Tensor:
        """Log q(z_v|x_i)."""
        return self._own_sampled_VB

    @cached_property
    def _atoms_AB(self) -> Tensor:
        return torch.softmax(self.sets.log_own(self.tree.variables), dim=0)

    @cached_property
    def _sampled_VBM(self) -> Tensor:
        return self.sets.every.log_marginals(self.sets.z_BV)

    @cached_property
    def _own_sampled_VB(self) -> Tensor:
        count = len(self.sets.categories)
        normals = range(count, count + self.sets.z_BV.shape[1])
        return torch.cat([self.sets.log_own([v]) for v in normals])
