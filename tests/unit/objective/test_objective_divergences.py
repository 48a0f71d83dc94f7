"""MMD and the inclusive KL: plain loops, zero for equal distributions, closed forms, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.config.objective_schema import KERNELS as KERNEL_NAMES
from runner.objective.divergences import dimension_wise_mmd, inclusive_kl, mmd
from runner.objective.mmd import KERNELS

MATHIEU = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def normals(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def kernel_by_loops(name: str, x: list[float], y: list[float], scale: float) -> float:
    squared = sum((a - b) ** 2 for a, b in zip(x, y, strict=True))
    bandwidth = 2 * len(x) * scale
    return math.exp(-squared / bandwidth) if name == "rbf" else bandwidth / (bandwidth + squared)


def mmd_by_loops(z: Tensor, prior: Tensor, name: str, scales: tuple[float, ...]) -> float:
    size, total = len(z), 0.0
    rows, others = z.tolist(), prior.tolist()
    for scale in scales:
        for i in range(size):
            for j in range(size):
                if i != j:
                    within = kernel_by_loops(name, rows[i], rows[j], scale)
                    within += kernel_by_loops(name, others[i], others[j], scale)
                    total += within / (size * (size - 1))
                total -= 2 * kernel_by_loops(name, rows[i], others[j], scale) / size**2
    return total


def test_the_kernels_are_those_that_the_settings_name():
    assert set(KERNELS) == set(KERNEL_NAMES)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("variables", [1, 3])
def test_mmd_is_the_formula_in_loops(kernel: str, variables: int):
    z_BV, prior_BV = 2 * normals(5, variables) + 1, normals(5, variables, seed=1)
    expected = mmd_by_loops(z_BV, prior_BV, kernel, (0.5, 2.0))
    assert float(mmd(z_BV, prior_BV, kernel, [0.5, 2.0])) == pytest.approx(expected)


@pytest.mark.parametrize("kernel", KERNELS)
def test_dimension_wise_is_the_sum_of_one_dimensional_discrepancies(kernel: str):
    z_BV, prior_BV = 2 * normals(6, 4) + 1, normals(6, 4, seed=1)
    expected = sum(
        mmd_by_loops(z_BV[:, v : v + 1], prior_BV[:, v : v + 1], kernel, MATHIEU) for v in range(4)
    )
    got = dimension_wise_mmd(z_BV, prior_BV, kernel, MATHIEU)
    assert float(got) == pytest.approx(expected)


def test_one_variable_is_the_formula_of_mathieu_et_al():
    """C / (C + (x - y)^2), C = 2 s; off-diagonal sums over B (B - 1), cross sum over B^2."""
    z_B, prior_B = normals(8) + 1, normals(8, seed=1)
    expected = torch.zeros((), dtype=torch.float64)
    for scale in MATHIEU:
        C = 2 * scale
        within = C / (C + (z_B[:, None] - z_B).square()) + C / (
            C + (prior_B[:, None] - prior_B).square()
        )
        cross = C / (C + (z_B[:, None] - prior_B).square())
        off_diagonal = within.sum() - within.trace()
        expected = expected + off_diagonal / (8 * 7) - 2 * cross.sum() / 64
    for function in (mmd, dimension_wise_mmd):
        got = function(z_B[:, None], prior_B[:, None], "imq", MATHIEU)
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("function", [mmd, dimension_wise_mmd])
@pytest.mark.parametrize("kernel", KERNELS)
def test_mmd_of_equal_distributions_is_zero_on_average(function, kernel: str):
    """Unbiased: dividing the within terms by B^2 instead shifts the mean by many errors."""
    z_RBV, prior_RBV = normals(400, 12, 3), normals(400, 12, 3, seed=1)
    pairs = zip(z_RBV, prior_RBV, strict=True)
    values_R = torch.stack([function(z, prior, kernel, [0.5, 1.0]) for z, prior in pairs])
    error = values_R.std() / 400**0.5
    assert abs(values_R.mean()) < 3 * error
    with_diagonal = 2 * 2 * (1 - values_R.new_tensor(0.7)) / 12  # two scales, E k below 0.7
    assert with_diagonal > 6 * error


def test_rbf_of_two_normals_is_its_closed_form():
    """E exp(-(x - y)^2 / (2 s)) of normals is a normal density up to its constant."""
    mean, scale = 1.5, 1.0
    within = math.sqrt(scale / (scale + 2))
    cross = within * math.exp(-(mean**2) / (2 * (scale + 2)))
    z_RBV, prior_RBV = normals(300, 40, 1) + mean, normals(300, 40, 1, seed=1)
    pairs = zip(z_RBV, prior_RBV, strict=True)
    values_R = torch.stack([mmd(z, prior, "rbf", [scale]) for z, prior in pairs])
    error = float(values_R.std()) / 300**0.5
    assert abs(float(values_R.mean()) - 2 * (within - cross)) < 3 * error


@pytest.mark.parametrize("change", [lambda z: z + 1, lambda z: 3 * z, lambda z: z.abs()])
@pytest.mark.parametrize("kernel", KERNELS)
def test_mmd_sees_a_shift_a_scale_and_a_shape(kernel: str, change):
    z_BV, prior_BV = normals(300, 5), normals(300, 5, seed=1)
    same = float(mmd(z_BV, prior_BV, kernel, [1.0]))
    assert float(mmd(change(z_BV), prior_BV, kernel, [1.0])) > max(0.02, 10 * abs(same))


def test_only_the_joint_discrepancy_sees_a_correlation():
    z_BV, prior_BV = normals(800, 2), normals(800, 2, seed=1)
    z_BV[:, 1] = z_BV[:, 0]
    assert float(mmd(z_BV, prior_BV, "rbf", [0.5])) > 0.03
    assert abs(float(dimension_wise_mmd(z_BV, prior_BV, "rbf", [0.5]))) < 0.01


@pytest.mark.parametrize("variables", [1, 10, 100])
def test_a_scale_of_one_fits_codes_of_any_size(variables: int):
    """The kernel of independent draws is away from both 0 and 1."""
    z_BV = normals(60, variables)
    squared = (z_BV[:, None] - z_BV).square().sum(-1)[~torch.eye(60, dtype=torch.bool)]
    for kernel in KERNELS.values():
        assert 0.3 < float(kernel(squared, 2.0 * variables).mean()) < 0.8


def test_one_sample_is_refused():
    with pytest.raises(ValueError, match="at least two samples, got 1"):
        mmd(normals(1, 3), normals(1, 3), "imq", [1.0])


@pytest.mark.parametrize("function", [mmd, dimension_wise_mmd])
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradients_of_mmd_are_those_of_finite_differences(function, kernel: str):
    z_BV = normals(4, 3).requires_grad_()
    prior_BV = normals(4, 3, seed=1).requires_grad_()  # a learned prior is trained through it
    assert torch.autograd.gradcheck(lambda z, p: function(z, p, kernel, MATHIEU), (z_BV, prior_BV))


def log_normal(z: Tensor, loc: Tensor, scale: float) -> Tensor:
    return torch.distributions.Normal(loc, scale).log_prob(z)


def test_inclusive_kl_is_the_formula_in_loops():
    log_pz_B, log_qz_x_BM = normals(5), 3 * normals(5, 7, seed=1)
    expected = 0.0
    for log_pz, row in zip(log_pz_B.tolist(), log_qz_x_BM.tolist(), strict=True):
        expected += (log_pz - math.log(sum(math.exp(q) for q in row) / 7)) / 5
    assert float(inclusive_kl(log_pz_B, log_qz_x_BM)) == pytest.approx(expected)


def test_inclusive_kl_of_equal_gaussians_is_zero_and_survives_far_samples():
    z_B = torch.tensor([-300.0, 0.0, 2.0])  # exp of the first log-density underflows
    log_pz_B = log_normal(z_B, torch.zeros(()), 1.0)
    log_qz_x_BM = log_normal(z_B[:, None], torch.zeros(4), 1.0)
    assert float(inclusive_kl(log_pz_B, log_qz_x_BM)) == pytest.approx(0, abs=1e-3)


def test_inclusive_kl_of_two_gaussians_is_its_closed_form():
    """KL(p||q), not KL(q||p): the scales differ, and so do the two."""
    z_B = normals(100_000)
    log_pz_B = log_normal(z_B, torch.zeros(()), 1.0)
    log_qz_x_BM = log_normal(z_B[:, None], torch.full((3,), 0.5), 2.0)
    expected = math.log(2) + (1 + 0.5**2) / (2 * 2**2) - 0.5
    assert float(inclusive_kl(log_pz_B, log_qz_x_BM)) == pytest.approx(expected, abs=0.01)


def test_gradients_of_inclusive_kl_are_those_of_finite_differences():
    log_pz_B, log_qz_x_BM = normals(4).requires_grad_(), normals(4, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(inclusive_kl, (log_pz_B, log_qz_x_BM))
