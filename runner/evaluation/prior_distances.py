"""Distances between the aggregate posterior and the prior.

Shapes: M encodings, V continuous variables.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from runner import progress
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities
from runner.objective import divergences, penalties

_SAMPLES = 2000
"""Encodings behind an MMD, which compares all pairs."""

_PAIRS = 10**9
"""Pairs of all variables together, above which fewer encodings are compared."""

_LEAST_SAMPLES = 100

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Of the inverse multiquadric kernels that are summed (Mathieu et al. 2019)."""


@torch.no_grad()
def distances(
    latents: LatentDensities, encodings: Encodings, source: Generator
) -> dict[str, float]:
    """Return distances of q(z) from p(z), those of the penalties, over the continuous variables.

    ``covariance_of_means`` and ``covariance_of_codes`` are the squared distances of the covariance
    of the means, and of the samples, from the identity (DIP-VAE I and II with both weights one);
    ``mmd`` and ``dimension_wise_mmd`` are squared maximum mean discrepancies between samples, sums
    over inverse multiquadric kernels of six scales.
    """
    loc_MV = latents.posterior(encodings.parameters_MP)[0]
    given_image_VV = latents.covariance_given_image(encodings.parameters_MP)
    z_MV = latents.continuous_part(encodings.z_MW)
    z_MV = z_MV[: _affordable(min(_SAMPLES, len(z_MV)), z_MV.shape[1])]
    shape = (len(z_MV), latents.uniform_count)
    uniform_MU = torch.rand(shape, generator=source, device=source.device)
    prior_MV = latents.continuous_part(latents.sample_prior(uniform_MU))
    found = {
        "covariance_of_means": penalties.moment_matching(loc_MV, None, 1.0, 1.0),
        "covariance_of_codes": penalties.moment_matching(loc_MV, given_image_VV, 1.0, 1.0),
        "mmd": divergences.mmd(z_MV, prior_MV, "imq", _SCALES),
        "dimension_wise_mmd": _dimension_wise(z_MV, prior_MV),
    }
    return {name: float(value) for name, value in found.items()}


def _affordable(samples: int, variables: int) -> int:
    """Return how many of the samples are compared."""
    most = max(_LEAST_SAMPLES, math.isqrt(_PAIRS // max(1, variables)))
    if most < samples:
        progress.left_out(f"MMD from {most:,} of {samples:,} encodings in {variables:,} variables")
    return min(most, samples)


def _dimension_wise(z_MV: Tensor, prior_MV: Tensor) -> Tensor:
    """Return the sum of the MMDs of single variables, one after the other."""
    total = z_MV.new_zeros(())
    count = z_MV.shape[1]
    for v in progress.counted(range(count), "MMD of variables", count):
        total += divergences.mmd(z_MV[:, v : v + 1], prior_MV[:, v : v + 1], "imq", _SCALES)
    return total
