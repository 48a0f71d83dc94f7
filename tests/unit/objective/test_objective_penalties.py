"""Capacity, moments and sparsity against plain loops, and their gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.objective.penalties import capacity, kl_sparsity, l1_sparsity, moment_matching


def normals(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def covariance_by_loops(loc: list[list[float]]) -> list[list[float]]:
    """Mean of products minus product of means, as the source writes it."""
    size, variables = len(loc), len(loc[0])
    means = [sum(row[i] for row in loc) / size for i in range(variables)]
    return [
        [sum(row[i] * row[j] for row in loc) / size - means[i] * means[j] for j in range(variables)]
        for i in range(variables)
    ]


@pytest.mark.parametrize(("rate", "nats"), [(3.0, 5.0), (5.0, 3.0), (4.0, 4.0)])
def test_capacity_is_the_distance_on_either_side(rate: float, nats: float):
    assert float(capacity(torch.tensor(rate), nats)) == abs(rate - nats)
    assert float(capacity(torch.tensor(rate), torch.tensor(nats))) == abs(rate - nats)


@pytest.mark.parametrize("of_codes", [False, True])
def test_moment_matching_is_the_formula_in_loops(of_codes: bool):  # noqa: FBT001 - a case
    loc_BV, root_VV = 2 * normals(7, 4) + 1, normals(4, 4, seed=1)
    given_image_VV = root_VV @ root_VV.T
    covariance = covariance_by_loops(loc_BV.tolist())
    expected = 0.0
    for i in range(4):
        for j in range(4):
            both = covariance[i][j] + (float(given_image_VV[i, j]) if of_codes else 0.0)
            expected += 3.0 * both**2 if i != j else 0.5 * (both - 1) ** 2
    given = given_image_VV if of_codes else None
    assert float(moment_matching(loc_BV, given, 3.0, 0.5)) == pytest.approx(expected, rel=1e-12)
    weights = (torch.tensor(3.0), torch.tensor(0.5))
    assert moment_matching(loc_BV, given, *weights) == moment_matching(loc_BV, given, 3.0, 0.5)


def test_moment_matching_is_zero_for_white_codes_and_ignores_the_mean():
    corners_BV = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    assert float(moment_matching(corners_BV, None, 1.0, 1.0)) == 0
    half_VV = torch.eye(2, dtype=torch.float64) / 2
    codes = moment_matching(math.sqrt(0.5) * corners_BV, half_VV, 1.0, 1.0)
    assert float(codes) == pytest.approx(0)
    far = moment_matching(corners_BV.float() + 1000, None, 1.0, 1.0)
    assert float(far) == pytest.approx(0, abs=1e-6)


def test_l1_is_the_mean_of_sums_of_absolutes():
    code_BV = normals(5, 3)
    expected = sum(abs(h) for row in code_BV.tolist() for h in row) / 5
    assert float(l1_sparsity(code_BV)) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.0, 1.0])
def test_kl_is_the_formula_in_loops(rate: float):
    code_BV = normals(6, 4).sigmoid()
    expected = 0.0
    for column in code_BV.T.tolist():
        mean = sum(column) / 6
        expected += rate * math.log(rate / mean) if rate else 0.0
        expected += (1 - rate) * math.log((1 - rate) / (1 - mean)) if rate < 1 else 0.0
    assert float(kl_sparsity(code_BV, rate)) == pytest.approx(expected)
    tensor_rate = torch.tensor(rate, dtype=torch.float64)
    assert float(kl_sparsity(code_BV, tensor_rate)) == pytest.approx(expected)


def test_kl_is_zero_at_the_rate_and_finite_where_units_are_dead():
    assert float(kl_sparsity(torch.full((4, 3), 0.05).double(), 0.05)) == pytest.approx(0)
    dead_BV = torch.stack([torch.zeros(4), torch.ones(4)], dim=1).requires_grad_()
    loss = kl_sparsity(dead_BV, 0.05)
    (gradient_BV,) = torch.autograd.grad(loss, dead_BV)
    dead_kl = 0.05 * math.log(0.05 / 1e-6) + 0.95 * math.log(0.95 / (1 - 1e-6))
    always_kl = 0.05 * math.log(0.05 / (1 - 1e-6)) + 0.95 * math.log(0.95 / 1e-6)
    assert float(loss.detach()) == pytest.approx(
        dead_kl + always_kl, rel=1e-2
    )  # 1 - 1e-6 in float32
    assert torch.equal(gradient_BV, torch.zeros_like(gradient_BV))


def test_gradients_are_those_of_finite_differences():
    def inputs(*shape: int, seed: int) -> Tensor:
        return normals(*shape, seed=seed).requires_grad_()

    loc_BV, scale_BV = inputs(5, 3, seed=2), inputs(5, 3, seed=3)
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    check = torch.autograd.gradcheck
    assert check(lambda loc: moment_matching(loc, None, 2.0, 0.5), loc_BV)
    assert check(
        lambda loc, scale, w: moment_matching(loc, scale.square().mean(0).diag(), w, 0.5),
        (loc_BV, scale_BV, weight),
    )
    assert check(l1_sparsity, loc_BV)
    assert check(lambda h: kl_sparsity(h.sigmoid(), 0.05), loc_BV)
    assert check(lambda rate: capacity(rate, 5.0), weight)
