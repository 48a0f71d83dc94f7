"""The squared maximum mean discrepancy with its gradient, in one sweep over all pairs of samples.

Shapes: S subspaces whose divergences are summed, V variables of each, B samples, R rows of a part
of them, M columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

_AT_ONCE = 2**18
"""Differences of pairs in one tensor: a MiB of float32, which stays in a CPU's cache."""

_AT_ONCE_ELSEWHERE = 2**25
"""The same on other devices, which small tensors would not keep busy."""


def _imq(squared: Tensor, bandwidth: float) -> Tensor:
    return squared.new_ones(()).add(squared, alpha=1 / bandwidth).reciprocal_()


def _rbf(squared: Tensor, bandwidth: float) -> Tensor:
    return (squared * (-1 / bandwidth)).exp_()


KERNELS: dict[str, Callable[[Tensor, float], Tensor]] = {"rbf": _rbf, "imq": _imq}
"""Name → kernel k of a squared distance and a bandwidth C in the same unit."""

_POWERS = {"rbf": 1, "imq": 2}
"""Name → p, where the derivative of the kernel by the squared distance is -k^p / C."""


def summed_mmd(z_SVB: Tensor, prior_SVB: Tensor, kernel: str, scales: Sequence[float]) -> Tensor:
    """Return the MMD^2 of each subspace, summed over subspaces and scales.

    The value and the gradient are computed together, over a few rows of pairs at a time, and no
    tensor of all pairs is kept: the memory grows with B and not with its square. There is no
    second derivative.

    Raises: ValueError with fewer than two samples.
    """
    variables, samples = z_SVB.shape[1:]
    if samples < 2:
        raise ValueError(f"an MMD needs at least two samples, got {samples}")
    bandwidths = [2 * variables * scale for scale in scales]
    if torch.is_grad_enabled():
        return _WithGradient.apply(z_SVB, prior_SVB, kernel, bandwidths)[0]
    return _swept(z_SVB, prior_SVB, kernel, bandwidths, slopes=False)[0]


class _WithGradient(torch.autograd.Function):
    """The MMD^2 and its gradients by both samples, which are kept for the backward pass."""

    generate_vmap_rule = True  # runs can be stacked

    @staticmethod
    def forward(
        z_SVB: Tensor, prior_SVB: Tensor, kernel: str, bandwidths: Sequence[float]
    ) -> tuple[Tensor, Tensor, Tensor]:
        return _swept(z_SVB, prior_SVB, kernel, bandwidths, slopes=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: tuple[Tensor, ...]) -> None:  # noqa: ANN401, ARG004 - as torch calls it
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:  # noqa: ANN401 - as torch calls it
        by_z_SVB, by_prior_SVB = ctx.saved_tensors
        return gradients[0] * by_z_SVB, gradients[0] * by_prior_SVB, None, None


def _swept(
    z_SVB: Tensor, prior_SVB: Tensor, kernel: str, bandwidths: Sequence[float], *, slopes: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the MMD^2 and its gradients by z and by the prior's samples, zero without slopes.

    Pairs of one sample with itself, whose kernel is one, are taken out of the sums.
    """
    subspaces, _, samples = z_SVB.shape
    pair_sums = partial(_pair_sums, kernel=kernel, bandwidths=bandwidths, slopes=slopes)
    z_pairs, z_1, z_2 = pair_sums(z_SVB, z_SVB)
    prior_pairs, prior_1, prior_2 = pair_sums(prior_SVB, prior_SVB)
    cross_pairs, cross_z, cross_prior = pair_sums(z_SVB, prior_SVB)
    within, between = 1 / (samples * (samples - 1)), -2 / samples**2
    same = 2 * samples * subspaces * len(bandwidths)
    value = within * (z_pairs + prior_pairs - same) + between * cross_pairs
    by_z_SVB = within * (z_1 + z_2) + between * cross_z
    by_prior_SVB = within * (prior_1 + prior_2) + between * cross_prior
    return value, by_z_SVB, by_prior_SVB


def _pair_sums(
    x_SVB: Tensor, y_SVM: Tensor, kernel: str, bandwidths: Sequence[float], *, slopes: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sum of the kernels of all pairs, and its gradients by x and by y."""
    # Filled in place: small tensors kept between large ones that come and go would hold on to
    # the heap.
    sum_SB, by_x_SVB = torch.zeros_like(x_SVB[:, 0]), torch.zeros_like(x_SVB)
    by_y_SVM = torch.zeros_like(y_SVM)
    rows = _rows(y_SVM)
    for first in range(0, x_SVB.shape[2], rows):
        part = slice(first, first + rows)
        # Differences, not a matrix product: the product loses the small distances to rounding.
        difference_SVRM = x_SVB[:, :, part, None] - y_SVM[:, :, None]
        kernels_SRM, slope_SRM = _kernels(
            difference_SVRM.square().sum(1), kernel, bandwidths, slopes=slopes
        )
        sum_SB[:, part] = kernels_SRM.sum(2)
        if slope_SRM is not None:
            pull_SVRM = difference_SVRM * (2 * slope_SRM[:, None])
            by_x_SVB[:, :, part] = pull_SVRM.sum(3)
            if y_SVM is not x_SVB:
                by_y_SVM = by_y_SVM - pull_SVRM.sum(2)
    return sum_SB.sum(), by_x_SVB, by_x_SVB if y_SVM is x_SVB else by_y_SVM


def _kernels(
    squared_SRM: Tensor, kernel: str, bandwidths: Sequence[float], *, slopes: bool
) -> tuple[Tensor, Tensor | None]:
    """Return the sum of the kernels of all bandwidths, and its derivative by the distance."""
    total_SRM = torch.zeros_like(squared_SRM)
    slope_SRM = torch.zeros_like(squared_SRM) if slopes else None
    for bandwidth in bandwidths:
        kernel_SRM = KERNELS[kernel](squared_SRM, bandwidth)
        total_SRM.add_(kernel_SRM)
        if slope_SRM is not None:
            slope_SRM.sub_(kernel_SRM.pow(_POWERS[kernel]), alpha=1 / bandwidth)
    return total_SRM, slope_SRM


def _rows(y_SVM: Tensor) -> int:
    """Return how many rows are compared with all columns at a time."""
    most = _AT_ONCE if y_SVM.device.type == "cpu" else _AT_ONCE_ELSEWHERE
    return max(1, most // y_SVM.numel())
