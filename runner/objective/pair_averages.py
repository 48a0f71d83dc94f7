"""Averages of two posteriors q(z_v|x) of one variable, and which variables two images share.

All functions take the posteriors of the first and of the second image of every pair.

Shapes: H pairs, V variables, K categories.

Source: Locatello et al. 2020, "Weakly-Supervised Disentanglement Without Compromises", for normal
variables. That categories are averaged by the same two rules is ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Normal = tuple[Tensor, Tensor]
"""Means and log-scales, (H, V) each."""


def kl_of_normals(first: Normal, second: Normal) -> Tensor:
    """Return KL(first || second) of every variable, (H, V), in nats."""
    (loc_HV, log_scale_HV), (other_HV, log_other_HV) = first, second
    # expm1, so that nothing is lost of the KL of nearly equal scales.
    twice_HV = 2 * (log_scale_HV - log_other_HV)
    away_HV = (loc_HV - other_HV) * (-log_other_HV).exp()
    return 0.5 * (twice_HV.expm1() - twice_HV + away_HV.square())


def average_of_normals(first: Normal, second: Normal, how: str) -> Normal:
    """Return one normal for two.

    ``gvae``: the mean of the means and of the variances (Hosoya 2019). ``ml_vae``: the normalised
    product of the densities, each to the power of 1/2 (Bouchacourt et al. 2018): the mean of the
    precisions, and the mean of the means weighted by their precisions.
    """
    (loc_HV, log_scale_HV), (other_HV, log_other_HV) = first, second
    if how == "gvae":
        log_variance_HV = _log_mean_exp(2 * log_scale_HV, 2 * log_other_HV)
        return 0.5 * (loc_HV + other_HV), 0.5 * log_variance_HV
    log_precision_HV = _log_mean_exp(-2 * log_scale_HV, -2 * log_other_HV)
    share_HV = torch.sigmoid(2 * (log_other_HV - log_scale_HV))
    return share_HV * loc_HV + (1 - share_HV) * other_HV, -0.5 * log_precision_HV


def kl_of_categories(first_KH: Tensor, second_KH: Tensor) -> Tensor:
    """Return KL(first || second) of two log-probabilities of categories, (H,), in nats."""
    return (first_KH.exp() * (first_KH - second_KH)).sum(0)


def average_of_categories(first_KH: Tensor, second_KH: Tensor, how: str) -> Tensor:
    """Return one log-probability of categories for two, (K, H).

    ``gvae``: the mean of the probabilities. ``ml_vae``: the normalised product of their roots.
    """
    if how == "gvae":
        return _log_mean_exp(first_KH, second_KH)
    return (0.5 * (first_KH + second_KH)).log_softmax(0)


def is_shared(kl_HV: Tensor) -> Tensor:
    """Return which variables the images of a pair seem to share, (H, V), bool.

    Those whose KL lies below the middle between the pair's smallest and largest KL.
    """
    middle_H1 = 0.5 * (kl_HV.amin(1, keepdim=True) + kl_HV.amax(1, keepdim=True))
    return kl_HV < middle_H1


def _log_mean_exp(one: Tensor, other: Tensor) -> Tensor:
    return torch.logaddexp(one, other) - math.log(2)
