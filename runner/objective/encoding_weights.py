"""The weights of the encodings behind an estimate of q(z), without a tensor of all pairs.

*Stratified*: a sample's own encoding weighs 1/N, as it does in q(z), and the others share the rest.
*Equal*: all weigh the same. Both are q(z) where all N encodings are there.

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


def equal_weights(encodings: int, *, first: int = 0, like: Tensor) -> EncodingWeights:
    """Return equal log-weights of a minibatch's encodings, 1/M each, a sample's own included.

    q(z) is then the mixture of the minibatch's own posteriors, from which its samples are drawn.

    Shapes: M encodings; sample i owns column ``first + i``; dtype and device of ``like``.
    Estimator: E log q(z) is at least the exact one, and I(x; z) at most log M: the negative entropy
        of a mixture is convex in the mixture, whose mean over minibatches is q(z). Exact when
        M = N.
    Raises: ValueError when there is no encoding.
    Source: the bound behind InfoNCE (van den Oord et al. 2018; Poole et al. 2019, section 2.3). The
        weights of minibatch-weighted sampling, 1/(N M) (Chen et al. 2018), differ by a constant
        factor, so that their gradients are the same.
    """
    if encodings < 1:
        raise ValueError(f"need at least one encoding, got {encodings}")
    weight = -math.log(encodings)
    return EncodingWeights(like.new_full((), weight), like.new_full((encodings,), weight), first)


def equal_weights_with_bank(samples: int, is_held_K: Tensor) -> EncodingWeights:
    """Return equal log-weights of a minibatch's own encodings and of those of a memory bank.

    As :func:`equal_weights`, with M the encodings that there are, and as :func:`weights_with_bank`
    else: an empty place weighs nothing, and single variables are estimated from the minibatch.

    Shapes: B + K encodings, where sample i owns column i.
    Estimator: E log q of sets of several variables is at least the exact one, and I(x; z) at most
        log M, if the bank's encodings were those of the present encoder.
    """
    weight = -(samples + is_held_K.sum()).log()
    bank_K = torch.where(is_held_K > 0, weight, -torch.inf)
    others_M = torch.cat([weight.expand(samples), bank_K])
    return EncodingWeights(weight, others_M, of_singles=equal_weights(samples, like=is_held_K))


def log_mixture_weights(
    samples: int, encodings: int, dataset_size: int, *, first: int = 0, like: Tensor
) -> Tensor:
    """Return :func:`mixture_weights` of all pairs, (samples, encodings)."""
    return mixture_weights(encodings, dataset_size, first=first, like=like).dense(samples)


def log_weights_with_bank(samples: int, is_held_K: Tensor, dataset_size: int) -> Tensor:
    """Return :func:`weights_with_bank` of all pairs, (B, B + K)."""
    return weights_with_bank(samples, is_held_K, dataset_size).dense(samples)
