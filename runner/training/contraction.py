"""The norm of the encoder's Jacobian: the penalty of a contractive autoencoder.

Shapes: B images, C H W image, V numbers of the code, S probes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def jacobian_norm(
    encode: Callable[[Tensor], Tensor],
    images_BCHW: Tensor,
    *,
    estimate: str,
    probes_SBV: Tensor | None,
) -> Tensor:
    """Return the mean over the batch of ||d code / d image||_F^2, differentiable in the encoder.

    'exact' is one vector-Jacobian product for each of the V numbers of the code; 'hutchinson' is
    one for each probe, as E ||v^T J||^2 = ||J||_F^2 for independent entries of v that are +1 or -1
    with equal chance. One product serves the whole batch, so an image's code may not depend on the
    other images: no batch normalisation.

    Shapes: ``encode`` takes (B, C, H, W) in floating point to (B, V); returns ().
    Units: those of the code per unit of a pixel, squared.
    Estimator: 'hutchinson' is unbiased, and exact for V = 1.
    Raises: ValueError when the probes are missing, or given where none is used.
    Source: Rifai et al. 2011; Hutchinson 1989 for the probes.
    """
    if estimate not in {"exact", "hutchinson"} or (estimate == "exact") != (probes_SBV is None):
        raise ValueError("a Jacobian norm is 'exact', or 'hutchinson' with probes")
    code_BV, pull_back = torch.func.vjp(encode, images_BCHW)[:2]
    if probes_SBV is None:
        samples, variables = code_BV.shape
        one_hot_VV = torch.eye(variables, dtype=code_BV.dtype, device=code_BV.device)
        rows_SBCHW = _pulled_back(pull_back, one_hot_VV[:, None].expand(-1, samples, -1))
        return rows_SBCHW.square().sum() / samples
    rows_SBCHW = _pulled_back(pull_back, probes_SBV)
    return rows_SBCHW.square().sum() / (probes_SBV.shape[0] * probes_SBV.shape[1])


def _pulled_back(pull_back: Callable[[Tensor], tuple[Tensor]], vectors_SBV: Tensor) -> Tensor:
    """Return v^T J of every vector, (S, B, C, H, W)."""
    return torch.func.vmap(pull_back)(vectors_SBV)[0]
