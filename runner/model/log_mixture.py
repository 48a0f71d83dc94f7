"""Log-densities of mixtures of normals, with a gradient that keeps no tensor of all components.

Plain tensor operations would keep several of A V B M numbers for the gradient. Here the components
are taken one after the other, forwards and backwards, in tensors of (B, M), which stay in a CPU's
cache; a compiler is given the plain operations.

Shapes: V variables, B samples, M encodings, A components of the mixture that each encoding is.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def log_mixture(z_VB: Tensor, loc_AVM: Tensor, root_AVM: Tensor, constant_AVM: Tensor) -> Tensor:
    """Return log sum_a exp(constant_a - ((z - loc_a) root_a)^2), (V, B, M).

    With root = 1 / (sqrt(2) scale) and constant = log share - log scale - 1/2 log 2 pi it is the
    log-density of a mixture of normals. A density below the smallest number counts as that.
    """
    if torch.compiler.is_compiling():  # which fuses the sum, and would unroll the loops
        away_AVBM = (z_VB[:, :, None] - loc_AVM[:, :, None]) * root_AVM[:, :, None]
        return torch.logsumexp(constant_AVM[:, :, None] - away_AVBM.square(), dim=0)
    return cast("Tensor", _LogMixture.apply(z_VB, loc_AVM, root_AVM, constant_AVM))


class _LogMixture(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z_VB: Tensor, loc_AVM: Tensor, root_AVM: Tensor, constant_AVM: Tensor) -> Tensor:
        found: list[Tensor] = []
        for v, z_B in enumerate(z_VB):
            total_BM = torch.zeros_like(z_B[:, None] - loc_AVM[0, v])
            for a in range(len(loc_AVM)):
                away_BM = (z_B[:, None] - loc_AVM[a, v]).mul_(root_AVM[a, v])
                power_BM = torch.addcmul(constant_AVM[a, v], away_BM, away_BM, value=-1)
                total_BM.add_(power_BM.exp_())
            found.append(total_BM.clamp_min_(torch.finfo(total_BM.dtype).tiny).log_())
        return torch.stack(found)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401 - torch's
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401
        z_VB, loc_AVM, root_AVM, constant_AVM, log_q_VBM = ctx.saved_tensors
        of_z: list[Tensor] = []
        parts: list[list[tuple[Tensor, ...]]] = []
        for v, (z_B, log_q_BM, gradient_BM) in enumerate(
            zip(z_VB, log_q_VBM, gradients[0], strict=True)
        ):
            of_z_B = torch.zeros_like(z_B)
            parts.append([])
            for loc_M, root_M, constant_M in zip(
                loc_AVM[:, v], root_AVM[:, v], constant_AVM[:, v], strict=True
            ):
                away_BM = (z_B[:, None] - loc_M).mul_(root_M)
                power_BM = torch.addcmul(constant_M - log_q_BM, away_BM, away_BM, value=-1)
                share_BM = power_BM.exp_().mul_(gradient_BM)
                slope_BM = away_BM * share_BM
                slope_M, curve_M = slope_BM.sum(0), (away_BM * slope_BM).sum(0)
                of_z_B = of_z_B - 2 * (slope_BM @ root_M)
                of_normals = (2 * slope_M * root_M, -2 * curve_M / root_M)
                parts[-1].append((*of_normals, share_BM.sum(0)))
            of_z.append(of_z_B)
        each = [
            torch.stack([torch.stack([of_a[n] for of_a in of_v]) for of_v in parts], dim=1)
            for n in range(3)
        ]
        return torch.stack(of_z), *each
