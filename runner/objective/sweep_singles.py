"""E log q(z_v) of every normal variable by itself, with its gradient, a few samples at a time.

Exponents are to base 2: its exponential takes a processor a third of the time.

Shapes: B samples, R samples of a chunk, C encodings, V variables.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from runner.objective.encoding_weights import EncodingWeights

LOG2_E = math.log2(math.e)
LN_2 = math.log(2)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

_CACHED = 2**18
"""Entries of a tensor of a chunk: 1 MiB of float32, so that a few stay in a CPU's cache."""
_ON_A_GPU = 2**26
"""The same on another device: 256 MiB of float32, since each chunk costs the same launches."""


def rows_at_once(each: int, like: Tensor) -> int:
    """Return how many samples a chunk has, if a tensor has so many entries for each."""
    most = _CACHED if like.device.type == "cpu" else _ON_A_GPU
    return max(1, most // max(1, each))


def sweep_singles(
    z_BV: Tensor,
    loc_CV: Tensor,
    log_scale_CV: Tensor,
    weights: EncodingWeights,
    *,
    with_gradient: bool,
) -> tuple[Tensor, ...]:
    """Return E log q(z_v) in nats, (V,), and its gradient: (B, V), (C, V) and (C, V).

    The difference z - loc is formed before it is scaled, so float32 keeps its digits however large
    |z| / scale is. Without gradient the first alone is returned.
    """
    samples, variables = z_BV.shape
    z_VB, loc_VC, log_scale_VC = (t.T.contiguous() for t in (z_BV, loc_CV, log_scale_CV))
    # log2 q(z_v|x_j) = constant - (difference * root)^2
    root_VC = (-LOG2_E * log_scale_VC).exp2_().mul_(math.sqrt(0.5 * LOG2_E))
    constant_VC = (weights.others_M - log_scale_VC - HALF_LOG_2PI) * LOG2_E
    own_B = weights.correction_B(samples) * LOG2_E
    log_q_VB = torch.empty_like(z_VB)
    found = _Moments(z_VB, root_VC) if with_gradient else None
    rows = min(samples, rows_at_once(loc_VC.numel(), z_BV))
    two = z_BV.new_empty(2, variables * rows * loc_VC.shape[1])
    for start in range(0, samples, rows):
        part = slice(start, min(start + rows, samples))
        shape = (variables, part.stop - start, loc_VC.shape[1])
        standard_VRC, log_VRC = two[:, : math.prod(shape)].view(2, *shape)
        torch.sub(z_VB[:, part, None], loc_VC[:, None], out=standard_VRC).mul_(root_VC[:, None])
        torch.addcmul(constant_VC[:, None], standard_VRC, standard_VRC, value=-1, out=log_VRC)
        log_VRC.diagonal(weights.first + start, 1, 2).add_(own_B[part])
        top_VR1 = log_VRC.amax(2, keepdim=True)
        sum_VR1 = log_VRC.sub_(top_VR1).exp2_().sum(2, keepdim=True)
        log_q_VB[:, part] = (sum_VR1.log2() + top_VR1)[..., 0]
        if found:
            found.add(part, log_VRC.mul_(1 / (sum_VR1 * samples)), standard_VRC)
    mean_V = log_q_VB.mean(1) * LN_2
    return (mean_V, *found.gradients()) if found else (mean_V,)


class _Moments:
    """Sums of responsibilities, times powers of the standardised difference."""

    def __init__(self, z_VB: Tensor, root_VC: Tensor) -> None:
        self.root_VC = root_VC
        self.rows_VB = torch.empty_like(z_VB)
        self.zeroth_VC, self.first_VC, self.second_VC = root_VC.new_zeros(3, *root_VC.shape)

    def add(self, part: slice, share_VRC: Tensor, standard_VRC: Tensor) -> None:
        """Add those of some samples; both tensors are overwritten."""
        self.zeroth_VC += share_VRC.sum(1)
        share_VRC.mul_(standard_VRC)
        self.first_VC += share_VRC.sum(1)
        self.rows_VB[:, part] = torch.linalg.vecdot(share_VRC, self.root_VC[:, None])
        self.second_VC += standard_VRC.mul_(share_VRC).sum(1)

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return those with respect to samples, means and log-scales."""
        slope = 2 * LN_2
        log_scale_VC = self.second_VC.mul_(slope).sub_(self.zeroth_VC)
        return (
            self.rows_VB.mul_(-slope).T,
            self.first_VC.mul_(slope).mul_(self.root_VC).T,
            log_scale_VC.T,
        )
