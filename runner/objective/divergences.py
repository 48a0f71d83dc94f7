"""Divergences between the aggregate posterior q(z) and the prior, from samples of both.

Shapes: B samples, M encodings, V variables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from runner.objective.mmd import summed_mmd


def mmd(z_BV: Tensor, prior_BV: Tensor, kernel: str, scales: Sequence[float]) -> Tensor:
    """Estimate the squared maximum mean discrepancy of q(z) and p(z).

    MMD^2 = E k(z, z') + E k(p, p') - 2 E k(z, p), summed over the scales s, with d = ||x - y||^2:
    'imq' is k = C / (C + d) and 'rbf' is k = exp(-d / C), where C = 2 V s. For independent draws
    of variance one, d is 2 V on average, so that s = 1 fits such codes of any V; s is a variance.
    Memory grows with B and not with its square, also for the gradient.

    Shapes: (B, V) each, to ().
    Estimator: unbiased for samples independent of each other, hence sometimes negative. Pairs of
        one sample with itself are left out, B (B - 1) remain; between z and the prior all B^2
        pairs are independent, and their plain mean is unbiased too.
    Raises: ValueError with fewer than two samples.
    Source: Gretton et al. 2012 for the estimator; Tolstikhin et al. 2018 for the IMQ bandwidth.
    """
    return summed_mmd(z_BV.T[None], prior_BV.T[None], kernel, scales)


def dimension_wise_mmd(
    z_BV: Tensor, prior_BV: Tensor, kernel: str, scales: Sequence[float]
) -> Tensor:
    """Estimate the sum over variables of the MMD^2 between q(z_v) and p(z_v).

    Each is :func:`mmd` of one variable, so C = 2 s.

    Shapes: (B, V) each, to ().
    Raises: ValueError with fewer than two samples.
    Source: Mathieu et al. 2019, whose kernel is 'imq' with scales 0.1, 0.2, 0.5, 1, 2 and 5.
    """
    return summed_mmd(z_BV.T[:, None], prior_BV.T[:, None], kernel, scales)


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
