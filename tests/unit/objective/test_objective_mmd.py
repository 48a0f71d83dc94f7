"""The MMD swept over parts of the pairs: the plain form's value and gradient, and its memory."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from runner.objective import mmd
from runner.objective.mmd import KERNELS, summed_mmd

SCALES = (0.1, 1.0, 5.0)
SUBSPACES, VARIABLES, SAMPLES = 3, 4, 25


def plain(z_SVB: Tensor, prior_SVB: Tensor, kernel: str, scales: Sequence[float]) -> Tensor:
    """Return the MMD^2 with all pairs in one tensor, for autograd."""

    def mean(x_SVB: Tensor, y_SVB: Tensor, bandwidth: float, *, off_diagonal: bool) -> Tensor:
        squared_SBB = (x_SVB[..., None] - y_SVB[:, :, None]).square().sum(1)
        kernel_SBB = KERNELS[kernel](squared_SBB, bandwidth)
        if off_diagonal:
            pairs = ~torch.eye(x_SVB.shape[2], dtype=torch.bool)
            return kernel_SBB[:, pairs].mean(1).sum()
        return kernel_SBB.mean((1, 2)).sum()

    total = z_SVB.new_zeros(())
    for scale in scales:
        bandwidth = 2 * z_SVB.shape[1] * scale
        total = total + mean(z_SVB, z_SVB, bandwidth, off_diagonal=True)
        total = total + mean(prior_SVB, prior_SVB, bandwidth, off_diagonal=True)
        total = total - 2 * mean(z_SVB, prior_SVB, bandwidth, off_diagonal=False)
    return total


def samples(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    shape = (SUBSPACES, VARIABLES, SAMPLES)
    z_SVB = 2 * torch.randn(shape, generator=source, dtype=torch.float64) + 1
    prior_SVB = torch.randn(shape, generator=source, dtype=torch.float64)
    return z_SVB.to(dtype).requires_grad_(), prior_SVB.to(dtype).requires_grad_()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("at_once", [1, 7 * SUBSPACES * VARIABLES * SAMPLES, 2**17])
def test_value_and_gradient_are_those_of_all_pairs_at_once(
    kernel: str, at_once: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mmd, "_AT_ONCE", at_once)
    pair = samples()
    expected, got = (function(*pair, kernel, SCALES) for function in (plain, summed_mmd))
    with torch.no_grad():
        alone = summed_mmd(*pair, kernel, SCALES)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(alone, expected, rtol=0, atol=1e-12)
    for found, wanted in zip(
        torch.autograd.grad(3 * got, pair), torch.autograd.grad(3 * expected, pair), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_single_precision_loses_no_small_distances(kernel: str):
    """Samples far from zero and near each other, where a product of matrices would be wrong."""
    far = [(x + 100).detach().float().requires_grad_() for x in samples()]
    exact = [x.detach().double().requires_grad_() for x in far]
    got, expected = summed_mmd(*far, kernel, SCALES), plain(*exact, kernel, SCALES)
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)
    for found, wanted in zip(
        torch.autograd.grad(got, far), torch.autograd.grad(expected, exact), strict=True
    ):
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-6)


def test_no_tensor_of_all_pairs_is_kept_for_the_gradient():
    kept: list[int] = []

    def remember(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        summed_mmd(*samples(), "imq", SCALES)
    assert kept
    assert max(kept) <= SUBSPACES * VARIABLES * SAMPLES


def test_stacked_samples_have_the_gradients_of_each_alone():
    z_RSVB = torch.stack([samples()[0].detach(), samples()[0].detach() - 2])
    prior_SVB = samples()[1].detach()

    def value(z_SVB: Tensor) -> Tensor:
        return summed_mmd(z_SVB, prior_SVB, "imq", SCALES)

    stacked = torch.func.vmap(torch.func.grad(value))(z_RSVB)
    for z_SVB, found in zip(z_RSVB, stacked, strict=True):
        torch.testing.assert_close(found, torch.func.grad(value)(z_SVB), rtol=0, atol=1e-12)
