"""Log-densities of the latents, and the one estimator of the aggregate posterior q(z).

Shapes: B samples (rows), M encodings (columns), V variables, D discrete ones, A atoms.

A variable is *sampled* or *enumerated*. The expectation over a sampled variable is estimated from
draws of it; over an enumerated one, which is discrete, it is an exact sum. An *atom* is one
combination of the values of all enumerated variables; A is 1 where there are none. Variables are
numbered, the enumerated ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor


class Node(Protocol):
    """A node of the tree of variables: all of them, a group, a group in a group, one variable."""

    @property
    def name(self) -> str:
        """Name of the group or the variable."""
        ...

    @property
    def variables(self) -> tuple[int, ...]:
        """The numbers of its variables, ascending."""
        ...

    @property
    def children(self) -> Sequence[Node]:
        """The nodes that it is split into; a single variable has none."""
        ...


class NormalSamples(Protocol):
    """Samples of normal variables, and the encodings that q(z) is a mixture of."""

    @property
    def z_BV(self) -> Tensor:
        """The samples."""
        ...

    @property
    def loc_MV(self) -> Tensor:
        """Means of q(z_v|x_j)."""
        ...

    @property
    def log_scale_MV(self) -> Tensor:
        """Logarithms of the standard deviations of q(z_v|x_j)."""
        ...


class SetDensities(Protocol):
    """Log-densities of several variables together, which depend on each other given the image."""

    def log_pairs(self, variables: Sequence[int]) -> Tensor:
        """Return log q(z_s|x_j) of a set at every atom, sample and encoding, (A, B, M).

        A is 1 where all atoms have the same, and B is 1 where all samples have.
        """
        ...

    def log_own(self, variables: Sequence[int]) -> Tensor:
        """Return log q(z_s|x_i) of each sample under its own encoding, (A, B); A may be 1."""
        ...


class CategoryDraws(Protocol):
    """The categories at which discrete variables are sampled, and their densities at every other.

    They are the first variables. K is the number of values of each.
    """

    @property
    def log_own(self) -> tuple[Tensor, ...]:
        """Log q(k|x_i) of every discrete variable, (K, B) each."""
        ...

    @property
    def log_pairs(self) -> tuple[Tensor, ...]:
        """Log q(k|x_j) of every discrete variable, (K, M) each."""
        ...

    @property
    def log_prior(self) -> tuple[Tensor, ...]:
        """Log p(k) of every discrete variable, (K,) each."""
        ...

    @property
    def category_BD(self) -> Tensor:
        """The categories of the samples."""
        ...


class LogDensities(Protocol):
    """What the objective sees of a model: log-densities in nats, never a network."""

    @property
    def tree(self) -> Node:
        """All variables; the children are the groups."""
        ...

    @property
    def atoms_AB(self) -> Tensor:
        """Probability of each atom under q(z|x_i), given what is sampled; sums to one over A."""
        ...

    @property
    def sampled_VBM(self) -> Tensor:
        """Log q(z_v|x_j) of sample i, for every sampled variable and pair [v, i, j]."""
        ...

    @property
    def normals(self) -> NormalSamples | None:
        """What ``sampled_VBM`` is computed from, where all sampled variables are normal."""
        ...

    @property
    def enumerated_VAM(self) -> Tensor:
        """Log q(z_v|x_j) at every atom, for every enumerated variable."""
        ...

    @property
    def own_sampled_VB(self) -> Tensor:
        """Log q(z_v|x_i) of sample i: each sample under its own encoding."""
        ...

    @property
    def own_enumerated_VAB(self) -> Tensor:
        """Log q(z_v|x_i) at every atom."""
        ...

    @property
    def sets(self) -> SetDensities | None:
        """Densities of several variables together; None where variables are independent given x."""
        ...

    @property
    def draws(self) -> CategoryDraws | None:
        """The draws of discrete variables for which sums over their values are to stand.

        None where no discrete variable is sampled, or its draw is to stand for itself.
        """
        ...

    @property
    def log_pv_VB(self) -> Tensor | None:
        """Log p(z_v) of every sampled variable; None: ``log_pz`` is asked for each of them."""
        ...

    @property
    def log_pz(self) -> Callable[[Sequence[int]], Tensor]:
        """From variables by number to log p of them together, (A or 1, B)."""
        ...

    @property
    def prior_factorises(self) -> bool:
        """Whether p(z) is the product of its variables: its own correlations are then zero."""
        ...


def log_aggregate_posterior(log_qz_x_ABM: Tensor, log_weights_BM: Tensor) -> Tensor:
    """Estimate log q(z) of every sample from its log-densities under all encodings.

    Shapes: (..., B, M) and (B, M) to (..., B). Units: nats.
    Source: Esmaeili et al. 2019; see :func:`.encoding_weights.mixture_weights`.
    """
    return torch.logsumexp(log_qz_x_ABM + log_weights_BM, dim=-1)


def log_enumerated_posterior(log_qk_x_AM: Tensor, log_qz_x_BM: Tensor) -> Tensor:
    """Estimate log q(k, z) of every atom and sample, as one matrix product.

    sum_j w_ij q(z_i|x_j) q(k|x_j) over the encodings j is the product of a (sample, encoding)
    matrix and an (encoding, atom) matrix, so no tensor of all atoms and pairs is formed. Each row
    is scaled by its largest entry; what underflows is below 1e-38 of that entry.

    Shapes: (..., A, M), and (..., B, M) with the log-weights added, to (..., A, B). Units: nats.
    """
    top_B1 = log_qz_x_BM.detach().amax(-1, keepdim=True)
    product_BA = (log_qz_x_BM - top_B1).exp() @ log_qk_x_AM.exp().transpose(-1, -2)
    tiny = torch.finfo(product_BA.dtype).tiny
    return (product_BA.clamp_min(tiny).log() + top_B1).transpose(-1, -2)
