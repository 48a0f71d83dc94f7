"""The weights of the encodings behind an estimate of q(z), without a tensor of all pairs.

Shapes: B samples (rows), M encodings (columns), K places of a memory bank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class EncodingWeights:
    """Log-weights w_ij of M encodings in q(z_i) = sum_j w_ij q(z_i|x_j), for neighbouring samples.

    An encoding weighs the same for every sample, but for the sample's own, so M + 1 numbers say
    what a (B, M) tensor would.
    """

    own: Tensor
    """Log-weight of a sample's own encoding, a scalar."""
    others_M: Tensor
    """Log-weight of each encoding where it is not the sample's own; -inf where there is none."""
    first: int = 0
    """Sample i owns encoding ``first + i``."""
    of_singles: EncodingWeights | None = None
    """Weights of the first few encodings, from which the marginals of single variables are
    estimated; the encodings after these are constants. None: all encodings serve for every set."""

    def for_rows(self, start: int) -> EncodingWeights:
        """Return the weights of the samples from row ``start`` on."""
        singles = self.of_singles and self.of_singles.for_rows(start)
        return replace(self, first=self.first + start, of_singles=singles)

    def correction_B(self, samples: int) -> Tensor:
        """Return how much more than the others' an own log-weight is, (B,)."""
        return self.own - self.others_M[self.first : self.first + samples]

    def dense(self, samples: int) -> Tensor:
        """Return the log-weights of all pairs, (B, M)."""
        columns_M = torch.arange(len(self.others_M), device=self.others_M.device)
        is_own_BM = columns_M[self.first : self.first + samples, None] == columns_M
        return torch.where(is_own_BM, self.own, self.others_M)


def mixture_weights(
    encodings: int, dataset_size: int, *, first: int = 0, like: Tensor
) -> EncodingWeights:
    """Return the log-weights of a minibatch's encodings in the estimate of q(z).

    q(z) = 1/N sum_n q(z|x_n) is estimated with the sample's own encoding weighted 1/N and the
    other M-1 encodings sharing (N-1)/N, (N-1)/(N(M-1)) each. The weights of a row sum to one.

    Shapes: M encodings; sample i owns column ``first + i``; dtype and device of ``like``.
    Estimator: the weighted mean is unbiased for q(z), so its log is biased low (Jensen); exact when
        M = N.
    Raises: ValueError when there are more encodings than images, or fewer than two.
    Source: Esmaeili et al. 2019; the weights are those that probtorch's marginal ELBO documents.
    """
    if not 2 <= encodings <= dataset_size:
        raise ValueError(f"need 2 <= encodings <= N, got {encodings} encodings of {dataset_size}")
    own = -math.log(dataset_size)
    other = math.log((dataset_size - 1) / (dataset_size * (encodings - 1)))
    # By fills: a tensor made from a number on the CPU would make a GPU wait.
    return EncodingWeights(like.new_full((), own), like.new_full((encodings,), other), first)


def weights_with_bank(samples: int, is_held_K: Tensor, dataset_size: int) -> EncodingWeights:
    """Return the log-weights of a minibatch's own encodings followed by those of a memory bank.

    The bank has K places; ``is_held_K`` is one where a place holds the encoding of an image that
    is not in the minibatch, and else zero. An empty place weighs nothing, and M is the number of
    encodings that there are; otherwise as :func:`mixture_weights`. The marginals of single
    variables are estimated from the minibatch, with its weights: q(z_v) has near encodings
    without a bank, and the bank serves the sets of several variables.

    Shapes: B + K encodings, where sample i owns column i.
    Estimator: unbiased for q(z) if the bank's encodings were those of the present encoder; they
        are up to as many steps old as it takes to fill the bank.
    """
    others = samples - 1 + is_held_K.sum()
    log_other = math.log((dataset_size - 1) / dataset_size) - others.log()
    bank_K = torch.where(is_held_K > 0, log_other, -torch.inf)
    return EncodingWeights(
        torch.full_like(log_other, -math.log(dataset_size)),
        torch.cat([log_other.expand(samples), bank_K]),
        of_singles=mixture_weights(samples, dataset_size, like=is_held_K),
    )


def log_mixture_weights(
    samples: int, encodings: int, dataset_size: int, *, first: int = 0, like: Tensor
) -> Tensor:
    """Return :func:`mixture_weights` of all pairs, (samples, encodings)."""
    return mixture_weights(encodings, dataset_size, first=first, like=like).dense(samples)


def log_weights_with_bank(samples: int, is_held_K: Tensor, dataset_size: int) -> Tensor:
    """Return :func:`weights_with_bank` of all pairs, (B, B + K)."""
    return weights_with_bank(samples, is_held_K, dataset_size).dense(samples)
