"""The density-ratio estimate: permutations, the best discriminator's value, the loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.objective.density_ratio import discriminator_loss, permuted, total_correlation

COLUMNS = (slice(0, 1), slice(1, 4), slice(4, 6))


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=source(seed), dtype=torch.float64)


def permuted_by_loops(z_BW: Tensor, noise_BV: Tensor) -> list[list[float]]:
    z, rows = z_BW.tolist(), []
    orders = [sorted(range(len(z)), key=column.__getitem__) for column in noise_BV.T.tolist()]
    for i in range(len(z)):
        row: list[float] = []
        for order, part in zip(orders, COLUMNS, strict=True):
            row += z[order[i]][part]
        rows.append(row)
    return rows


def test_permuted_is_the_algorithm_in_loops():
    z_BW, noise_BV = normals(9, 6), torch.rand(9, 3, generator=source(1))
    expected = torch.tensor(permuted_by_loops(z_BW, noise_BV), dtype=torch.float64)
    assert torch.equal(permuted(z_BW, COLUMNS, noise_BV), expected)


def test_permuted_keeps_marginals_and_the_columns_of_a_variable_together():
    z_BW, noise_BV = normals(50, 6), torch.rand(50, 3, generator=source(2))
    got_BW = permuted(z_BW, COLUMNS, noise_BV)
    for part in COLUMNS:
        assert sorted(got_BW[:, part].tolist()) == sorted(z_BW[:, part].tolist())
        assert not torch.equal(got_BW[:, part], z_BW[:, part])
    whole = {tuple(row) for row in z_BW.tolist()}
    assert sum(tuple(row) in whole for row in got_BW.tolist()) <= 2


def test_columns_may_stand_in_any_order():
    z_BW, noise_BV = normals(9, 6), torch.rand(9, 3, generator=source(3))
    order = [2, 0, 1]
    got_BW = permuted(z_BW, [COLUMNS[v] for v in order], noise_BV[:, order])
    assert torch.equal(got_BW, permuted(z_BW, COLUMNS, noise_BV))


def test_permuted_makes_equal_variables_independent():
    z_BW = normals(4000, 1).expand(-1, 3)
    noise_BV = torch.rand(4000, 3, generator=source(4))
    got_BW = permuted(z_BW, [slice(v, v + 1) for v in range(3)], noise_BV)
    correlation_VV = torch.corrcoef(got_BW.T) - torch.eye(3)
    assert float(correlation_VV.abs().max()) < 4 / 4000**0.5


def gaussian_logits(z_BV: Tensor, correlation: float) -> Tensor:
    """The best discriminator's logits: log q(z) and log prod_v q(z_v)."""
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    zero_V = torch.zeros(2, dtype=torch.float64)
    joint = torch.distributions.MultivariateNormal(zero_V, covariance).log_prob(z_BV)
    alone = torch.distributions.Normal(0.0, 1.0).log_prob(z_BV).sum(1)
    return torch.stack([joint, alone], dim=1)


def correlated(samples: int, correlation: float) -> Tensor:
    z_BV = normals(samples, 2)
    z_BV[:, 1] = correlation * z_BV[:, 0] + math.sqrt(1 - correlation**2) * z_BV[:, 1]
    return z_BV


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_best_discriminator_gives_the_total_correlation(correlation: float):
    logits_B2 = gaussian_logits(correlated(100_000, correlation), correlation)
    expected = -0.5 * math.log(1 - correlation**2)
    assert float(total_correlation(logits_B2)) == pytest.approx(expected, abs=0.01)
    shifted_B2 = logits_B2 + normals(100_000, 1, seed=5)  # softmax ignores what both share
    torch.testing.assert_close(total_correlation(shifted_B2), total_correlation(logits_B2))


def test_the_loss_is_the_formula_in_loops():
    joint_B2, other_B2 = 3 * normals(5, 2), 3 * normals(5, 2, seed=1)
    expected = 0.0
    for joint, other in zip(joint_B2.tolist(), other_B2.tolist(), strict=True):
        right = math.exp(joint[0]) / sum(math.exp(x) for x in joint)
        right_other = math.exp(other[1]) / sum(math.exp(x) for x in other)
        expected -= 0.5 * (math.log(right) + math.log(right_other)) / 5
    assert float(discriminator_loss(joint_B2, other_B2)) == pytest.approx(expected)


def test_the_loss_is_log_two_for_ignorance_and_least_for_the_best_discriminator():
    ignorant_B2 = torch.zeros(3, 2)
    assert float(discriminator_loss(ignorant_B2, ignorant_B2)) == pytest.approx(math.log(2))
    z_BV = correlated(20_000, 0.8)
    noise_BV = torch.rand(20_000, 2, generator=source(6))
    other_BV = permuted(z_BV, [slice(0, 1), slice(1, 2)], noise_BV)

    def loss(assumed: float) -> float:
        pair = (gaussian_logits(z_BV, assumed), gaussian_logits(other_BV, assumed))
        return float(discriminator_loss(*pair))

    assert loss(0.8) < min(loss(0.5), loss(0.9), loss(-0.8), math.log(2))


def test_gradients_are_those_of_finite_differences():
    joint_B2, other_B2 = normals(4, 2).requires_grad_(), normals(4, 2, seed=1).requires_grad_()
    z_BW, noise_BV = normals(5, 6).requires_grad_(), torch.rand(5, 3, generator=source(7))
    assert torch.autograd.gradcheck(discriminator_loss, (joint_B2, other_B2))
    assert torch.autograd.gradcheck(total_correlation, joint_B2)
    assert torch.autograd.gradcheck(lambda z: permuted(z, COLUMNS, noise_BV), z_BW)
