"""The log-densities of mixtures, and their gradient, against plain tensor operations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.func import vmap

from runner.model.log_mixture import log_mixture


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def plain(z_VB: Tensor, loc: Tensor, root: Tensor, constant: Tensor) -> Tensor:
    away = (z_VB[None, :, :, None] - loc[:, :, None]) * root[:, :, None]
    return torch.logsumexp(constant[:, :, None] - away.square(), dim=0)


@pytest.fixture
def inputs() -> list[Tensor]:
    z, loc, root, constant = numbers(2, 4), *(numbers(3, 2, 5, seed=s) for s in (1, 2, 3))
    return [each.requires_grad_() for each in (z, loc, root.exp(), constant)]


def test_it_is_the_density_of_a_mixture_of_normals():
    share, loc, log_scale = numbers(3, 5).log_softmax(0), numbers(3, 2, 5), 0.3 * numbers(3, 2, 5)
    z = numbers(2, 4, seed=7)
    constant = share[:, None] - log_scale - 0.5 * math.log(2 * math.pi)
    found = log_mixture(z, loc, math.sqrt(0.5) * (-log_scale).exp(), constant)
    mixture = MixtureSameFamily(
        Categorical(logits=share.T[None]),
        Normal(loc.permute(1, 2, 0), log_scale.exp().permute(1, 2, 0)),
    )
    for b in range(4):
        torch.testing.assert_close(found[:, b], mixture.log_prob(z[:, b, None].expand(2, 5)))


def test_its_gradient_is_that_of_plain_operations(inputs: list[Tensor]):
    weights = numbers(2, 4, 5, seed=9)
    gradients = [
        torch.autograd.grad((form(*inputs) * weights).sum(), inputs)
        for form in (log_mixture, plain)
    ]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


def test_runs_can_be_stacked(inputs: list[Tensor]):
    stacked = [torch.stack([each, 2 * each]).detach().requires_grad_() for each in inputs]
    results = [vmap(form)(*stacked) for form in (log_mixture, plain)]
    torch.testing.assert_close(*results)
    gradients = [torch.autograd.grad(result.sum(), stacked) for result in results]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


def test_distant_samples_have_the_smallest_density(inputs: list[Tensor]):
    z, loc, root, constant = (each.detach() for each in inputs)
    found = log_mixture(z + 1e6, loc, root, constant)
    assert torch.equal(found, torch.full_like(found, math.log(torch.finfo(found.dtype).tiny)))


def test_a_compiler_is_given_plain_operations(
    inputs: list[Tensor], monkeypatch: pytest.MonkeyPatch
):
    expected = log_mixture(*inputs)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(log_mixture(*inputs), expected)
