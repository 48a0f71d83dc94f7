"""Log-densities of the latents, and the one estimator of the aggregate posterior q(z).

Shapes: B samples (rows), M encodings (columns), V variables, A atoms.

A variable is *sampled* or *enumerated*. The expectation over a sampled variable is estimated from
draws of it; over an enumerated one, which is discrete, it is an exact sum. An *atom* is one
combination of the values of all enumerated variables; A is 1 where there are none. Variables are
numbered, the enumerated ones first.
"""

from __future__ import annotations

import math
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


class LogDensities(Protocol):
    """What the objective sees of a model: log-densities in nats, never a network."""

    @property
    def tree(self) -> Node:
        """All variables; the children are the groups."""
        ...

    @property
    def atoms_AB(self) -> Tensor:
        """Probability of each atom under q(z|x_i); sums to one over A."""
        ...

    @property
    def sampled_VBM(self) -> Tensor:
        """Log q(z_v|x_j) of sample i, for every sampled variable and pair [v, i, j]."""
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
    def log_pz(self) -> Callable[[Sequence[int]], Tensor]:
        """From variables by number to log p of them together, (A or 1, B)."""
        ...

    @property
    def prior_factorises(self) -> bool:
        """Whether p(z) is the product of its variables: its own correlations are then zero."""
        ...


def log_mixture_weights(
    samples: int,
    encodings: int,
    dataset_size: int,
    *,
    first: int = 0,
    like: Tensor,
) -> Tensor:
    """Return the log-weights of a minibatch's encodings in the estimate of q(z).

    q(z) = 1/N sum_n q(z|x_n) is estimated with the sample's own encoding weighted 1/N and the
    other M-1 encodings sharing (N-1)/N, (N-1)/(N(M-1)) each. The weights of a row sum to one.

    Shapes: (samples, encodings); sample i owns column ``first + i``; dtype and device of ``like``.
    Estimator: the weighted mean is unbiased for q(z), so its log is biased low (Jensen); exact when
        M = N.
    Raises: ValueError when there are more encodings than images, or fewer than two.
    Source: Esmaeili et al. 2019; the weights are those that probtorch's marginal ELBO documents.
    """
    if not 2 <= encodings <= dataset_size:
        raise ValueError(f"need 2 <= encodings <= N, got {encodings} encodings of {dataset_size}")
    own = -math.log(dataset_size)
    other = math.log((dataset_size - 1) / (dataset_size * (encodings - 1)))
    columns_M = torch.arange(encodings, device=like.device)
    is_own_BM = columns_M[first : first + samples, None] == columns_M
    return torch.where(is_own_BM, like.new_tensor(own), like.new_tensor(other))


def log_weights_with_bank(samples: int, is_held_K: Tensor, dataset_size: int) -> Tensor:
    """Return the log-weights of a minibatch's own encodings followed by those of a memory bank.

    The bank has K places; ``is_held_K`` is one where a place holds the encoding of an image that
    is not in the minibatch, and else zero. An empty place weighs nothing, and M is the number of
    encodings that there are; otherwise as :func:`log_mixture_weights`.

    Shapes: (B, B + K), where sample i owns column i.
    Estimator: unbiased for q(z) if the bank's encodings were those of the present encoder; they
        are up to as many steps old as it takes to fill the bank.
    """
    others = samples - 1 + is_held_K.sum()
    log_other = math.log((dataset_size - 1) / dataset_size) - others.log()
    is_own_BB = torch.eye(samples, dtype=torch.bool, device=is_held_K.device)
    batch_BB = torch.where(is_own_BB, -math.log(dataset_size), log_other)
    bank_K = torch.where(is_held_K > 0, log_other, -torch.inf)
    return torch.cat([batch_BB, bank_K.expand(samples, -1)], dim=1)


def log_aggregate_posterior(log_qz_x_ABM: Tensor, log_weights_BM: Tensor) -> Tensor:
    """Estimate log q(z) of every sample from its log-densities under all encodings.

    Shapes: (..., B, M) and (B, M) to (..., B). Units: nats.
    Source: Esmaeili et al. 2019; see :func:`log_mixture_weights`.
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
