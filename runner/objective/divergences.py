"""Divergences between the aggregate posterior q(z) and the prior, from samples of both.

Shapes: B samples, M encodings, V variables, S subspaces whose divergences are summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def _imq(squared: Tensor, bandwidth: float) -> Tensor:
    return bandwidth / (bandwidth + squared)


def _rbf(squared: Tensor, bandwidth: float) -> Tensor:
    return (-squared / bandwidth).exp()


KERNELS: dict[str, Callable[[Tensor, float], Tensor]] = {"rbf": _rbf, "imq": _imq}
"""Name → kernel of a squared distance and a bandwidth in the same unit."""


def mmd(z_BV: Tensor, prior_BV: Tensor, kernel: str, scales: Sequence[float]) -> Tensor:
    """Estimate the squared maximum mean discrepancy of q(z) and p(z).

    MMD^2 = E k(z, z') + E k(p, p') - 2 E k(z, p), summed over the scales s, with d = ||x - y||^2:
    'imq' is k = C / (C + d) and 'rbf' is k = exp(-d / C), where C = 2 V s. For independent draws
    of variance one, d is 2 V on average, so that s = 1 fits such codes of any V; s is a variance.

    Shapes: (B, V) each, to ().
    Estimator: unbiased for samples independent of each other, hence sometimes negative. Pairs of
        one sample with itself are left out, B (B - 1) remain; between z and the prior all B^2
        pairs are independent, and their plain mean is unbiased too.
    Raises: ValueError with fewer than two samples.
    Source: Gretton et al. 2012 for the estimator; Tolstikhin et al. 2018 for the IMQ bandwidth.
    """
    return _summed_mmd(z_BV[None], prior_BV[None], kernel, scales)


def dimension_wise_mmd(
    z_BV: Tensor, prior_BV: Tensor, kernel: str, scales: Sequence[float]
) -> Tensor:
    """Estimate the sum over variables of the MMD^2 between q(z_v) and p(z_v).

    Each is :func:`mmd` of one variable, so C = 2 s. The memory is that of V B^2 pairs a scale.

    Shapes: (B, V) each, to ().
    Raises: ValueError with fewer than two samples.
    Source: Mathieu et al. 2019, whose kernel is 'imq' with scales 0.1, 0.2, 0.5, 1, 2 and 5.
    """
    return _summed_mmd(z_BV.T[..., None], prior_BV.T[..., None], kernel, scales)


def _summed_mmd(z_SBV: Tensor, prior_SBV: Tensor, kernel: str, scales: Sequence[float]) -> Tensor:
    """Return the MMD^2 of each space, summed over spaces and scales."""
    samples, variables = z_SBV.shape[1:]
    if samples < 2:
        raise ValueError(f"an MMD needs at least two samples, got {samples}")
    # Differences, not a matrix product: the product loses the small distances to rounding.
    pairs = [(z_SBV, z_SBV), (prior_SBV, prior_SBV), (z_SBV, prior_SBV)]
    squared = [(x[:, :, None] - y[:, None]).square().sum(-1) for x, y in pairs]
    return _mmd_of_pairs(squared, variables, kernel, scales)


def mmd_of_distances(
    squared: Sequence[Tensor], variables: int, kernel: str, scales: Sequence[float]
) -> Tensor:
    """Return :func:`mmd` from the squared distances within z, within the prior, and between them.

    Shapes: (B, B) each, to ().
    """
    return _mmd_of_pairs([distance_BB[None] for distance_BB in squared], variables, kernel, scales)


def _mmd_of_pairs(
    squared: Sequence[Tensor], variables: int, kernel: str, scales: Sequence[float]
) -> Tensor:
    """Return the MMD^2 summed over spaces and scales, from three squared distances, (S, B, B)."""
    total = squared[0].new_zeros(())
    for scale in scales:
        z_SBB, prior_SBB, cross_SBB = (
            KERNELS[kernel](distance_SBB, 2 * variables * scale) for distance_SBB in squared
        )
        between = cross_SBB.mean((1, 2)).sum()
        total = total + _mean_off_diagonal(z_SBB) + _mean_off_diagonal(prior_SBB) - 2 * between
    return total


def _mean_off_diagonal(kernel_SBB: Tensor) -> Tensor:
    """Return the mean over pairs of different samples, summed over S; k(x, x) is one."""
    samples = kernel_SBB.shape[1]
    return ((kernel_SBB.sum((1, 2)) - samples) / (samples * (samples - 1))).sum()


def inclusive_kl(log_pz_B: Tensor, log_qz_x_BM: Tensor) -> Tensor:
    """Estimate KL(p(z)||q(z)) from samples of the prior.

    mean_b [log p(z_b) - log 1/M sum_m q(z_b|x_m)] for z_b drawn from p(z); the samples belong to
    no encoding, so every encoding weighs the same.

    Shapes: log_qz_x_BM[i, j] = log q(z_i|x_j); returns (). Units: nats.
    Estimator: unbiased for q(z), hence biased high for the divergence (Jensen); exact in M when
        the encodings are those of the whole dataset.
    Source: Mathieu et al. 2019.
    """
    log_qz_B = torch.logsumexp(log_qz_x_BM, dim=1) - math.log(log_qz_x_BM.shape[1])
    return (log_pz_B - log_qz_B).mean()
