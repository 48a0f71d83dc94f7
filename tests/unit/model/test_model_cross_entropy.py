"""The cross-entropy beside torch's own, and its gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from runner.model.cross_entropy import cross_entropy


def _given(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(0)
    logits = 8 * torch.randn(6, 2, 5, 5, generator=draws, dtype=torch.float64)
    logits[0, 0, 0, :5] = torch.tensor([0.0, 300.0, -300.0, 40.0, -40.0])
    images = torch.rand(6, 2, 5, 5, generator=draws, dtype=torch.float64)
    return logits.to(dtype).requires_grad_(), images.to(dtype)


def _plain(logits: Tensor, images: Tensor) -> Tensor:
    loss = F.binary_cross_entropy_with_logits(logits, images, reduction="none")
    return loss.flatten(1).sum(1)


def test_value_and_gradient_are_torchs_own() -> None:
    logits, images = _given()
    ours, theirs = cross_entropy(logits, images), _plain(logits, images)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-11)
    weights = torch.arange(1.0, 7, dtype=torch.float64)
    mine, other = (torch.autograd.grad((weights * v).sum(), logits)[0] for v in (ours, theirs))
    torch.testing.assert_close(mine, other, rtol=1e-13, atol=1e-13)


def test_float32_is_as_near_to_float64_as_torchs_own() -> None:
    logits, images = _given(torch.float32)
    logits = logits.detach()
    exact = _plain(logits.double(), images.double())
    errors = [
        float((f(logits, images) - exact).abs().div(exact).max()) for f in (cross_entropy, _plain)
    ]
    assert errors[0] <= max(2 * errors[1], 2e-7)


def test_it_is_differentiated_twice_and_for_images_too() -> None:
    logits, images = _given()
    few = logits.detach()[:2, :, 2:4, 2:4].clone().requires_grad_()
    targets = images[:2, :, 2:4, 2:4].clone().requires_grad_()
    assert torch.autograd.gradcheck(cross_entropy, (few, targets))
    assert torch.autograd.gradgradcheck(cross_entropy, (few, targets))


@pytest.mark.parametrize("runs", [3])
def test_runs_can_be_stacked(runs: int) -> None:
    logits, images = _given()
    stacked = torch.stack([logits.detach() + k for k in range(runs)])

    def loss(one: Tensor) -> Tensor:
        return cross_entropy(one, images).mean()

    found = torch.func.vmap(torch.func.grad(loss))(stacked)
    for one, gradient in zip(stacked, found, strict=True):
        torch.testing.assert_close(torch.func.grad(loss)(one), gradient, rtol=1e-13, atol=1e-15)
