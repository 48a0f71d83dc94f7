"""Log-densities of the latents, and the one estimator of the aggregate posterior q(z).

Shapes: B samples (rows), M encodings (columns), V variables of a group, A atoms.

An *atom* is a value of the discrete variables. A sample has one atom when every variable of it was
drawn, or one per category when the expectation over a discrete variable is taken as an exact sum;
A is 1 for a group that holds no such variable and broadcasts against the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class GroupDensities(Protocol):
    """Log-densities of the variables of one group, in nats."""

    @property
    def log_qz_x_VABM(self) -> Tensor:
        """Log q(z_v|x_j) at atom a of sample i, for every pair [v, a, i, j]."""
        ...

    @property
    def log_qz_x_VAB(self) -> Tensor:
        """Log q(z_v|x_i) at atom a of sample i: each sample under its own encoding."""
        ...

    @property
    def log_pz_VAB(self) -> Tensor:
        """Log p(z_v) at atom a of sample i."""
        ...


class LogDensities(Protocol):
    """What the objective sees of a model: log-densities, never a network."""

    @property
    def groups(self) -> Sequence[GroupDensities]:
        """The groups of the prior, in order."""
        ...

    @property
    def atoms_AB(self) -> Tensor:
        """Probability of each atom under q(z|x_i); sums to one over A."""
        ...


def log_mixture_weights(
    samples: int, encodings: int, dataset_size: int, *, first: int = 0, like: Tensor
) -> Tensor:
    """Return the log-weights that make a minibatch stand for the whole dataset.

    q(z) = 1/N sum_n q(z|x_n) is approximated with the sample's own encoding weighted 1/N and each
    of the other M-1 encodings weighted (N-1)/(N(M-1)). A row's weights sum to one.

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


def log_aggregate_posterior(log_qz_x_ABM: Tensor, log_weights_BM: Tensor) -> Tensor:
    """Estimate log q(z) of every sample from its log-densities under all encodings.

    Shapes: (..., B, M) and (B, M) to (..., B). Units: nats.
    Source: Esmaeili et al. 2019; see :func:`log_mixture_weights`.
    """
    return torch.logsumexp(log_qz_x_ABM + log_weights_BM, dim=-1)
