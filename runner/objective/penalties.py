"""Penalties computed from the rate, from moments of q(z|x), or from a code: plain formulas.

Shapes: B samples, V variables. A weight is a number or a tensor without dimensions: in a training
step it is an entry of the step's weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

_SILENT = 1e-6
"""Mean activations are kept this far from 0 and 1; 1 - 1e-6 is still a float32 below one."""


def capacity(rate: Tensor, nats: float | Tensor) -> Tensor:
    """Return |rate - nats|: the distance of the rate from a target, the capacity.

    Units: nats.
    Source: Burgess et al. 2018 (the annealed VAE).
    """
    return (rate - nats).abs()


def moment_matching(
    loc_BV: Tensor,
    given_image_VV: Tensor | None,
    off_diagonal: float | Tensor,
    diagonal: float | Tensor,
) -> Tensor:
    """Return the weighted squared distance of a covariance from the identity.

    off_diagonal * sum_{i != j} C_ij^2 + diagonal * sum_i (C_ii - 1)^2, where C is the covariance
    over the batch of the means (DIP-VAE-I, None for ``given_image_VV``) or of the codes: that of
    the means plus the batch's mean of Cov(z|x), which is diag(scale^2) of independent normals
    (DIP-VAE-II).

    Shapes: (B, V) and (V, V) to ().
    Estimator: the batch covariance is the mean of products minus the product of means, as in
        disentanglement_lib: it divides by B, and so is biased low by the factor (B - 1) / B.
    Source: Kumar et al. 2018.
    """
    # Centred first: the same number, but two large means are never subtracted.
    centred_BV = loc_BV - loc_BV.mean(0)
    covariance_VV = centred_BV.T @ centred_BV / loc_BV.shape[0]
    is_own_VV = torch.eye(loc_BV.shape[1], dtype=torch.bool, device=loc_BV.device)
    variance_V = centred_BV.square().mean(0)
    if given_image_VV is not None:
        covariance_VV = covariance_VV + given_image_VV
        variance_V = variance_V + given_image_VV.diagonal()
    others_VV = covariance_VV.masked_fill(is_own_VV, 0)
    return off_diagonal * others_VV.square().sum() + diagonal * (variance_V - 1).square().sum()


def squared_distance(first_BV: Tensor, second_BV: Tensor) -> Tensor:
    """Return the mean over the batch of sum_v (a_v - b_v)^2.

    Shapes: (B, V) twice to ().
    Source: Hsu et al. 2023 with a mean over the variables where this has a sum.
    """
    return (first_BV - second_BV).square().sum(1).mean()


def l1_sparsity(code_BV: Tensor) -> Tensor:
    """Return the mean over the batch of sum_i |h_i|.

    Shapes: (B, V) to ().
    Source: Olshausen & Field 1996; up to constants, minus the log of a Laplace prior.
    """
    return code_BV.abs().sum(1).mean()


def kl_sparsity(code_BV: Tensor, rate: float | Tensor) -> Tensor:
    """Return sum_i KL(Bernoulli(rate) || Bernoulli(rho_i)), rho_i the batch's mean of h_i.

    The code is in (0, 1), as after a sigmoid. rho_i is clamped to [1e-6, 1 - 1e-6], so that the
    penalty stays finite where a unit is always off or always on; there it has no gradient.

    Shapes: (B, V) to (). Units: nats.
    Source: Ng 2011, lecture notes on sparse autoencoders.
    """
    mean_V = code_BV.mean(0).clamp(_SILENT, 1 - _SILENT)
    # xlogy, as 0 log 0 is 0: a rate of 0 or 1 is allowed.
    on_V = torch.xlogy(rate, rate / mean_V)
    off_V = torch.xlogy(1 - rate, (1 - rate) / (1 - mean_V))
    return (on_V + off_V).sum()
