"""The averages of two posteriors, against plain loops and other people's densities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Normal, kl_divergence

from runner.objective.pair_averages import (
    average_of_categories,
    average_of_normals,
    is_shared,
    kl_of_categories,
    kl_of_normals,
)

H, V, K = 7, 5, 4


def normals(seed: int) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    draw = torch.randn(2, H, V, generator=source, dtype=torch.float64)
    return 2 * draw[0], 0.7 * draw[1]


def categories(seed: int) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(K, H, generator=source, dtype=torch.float64).log_softmax(0)


def test_the_kl_of_normals_is_that_of_torch():
    (loc, log_scale), (other, log_other) = normals(0), normals(1)
    expected = kl_divergence(Normal(loc, log_scale.exp()), Normal(other, log_other.exp()))
    got = kl_of_normals((loc, log_scale), (other, log_other))
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_float32_loses_nothing_of_the_kl_of_nearly_equal_normals():
    loc, log_scale = torch.zeros(1, 1), torch.full((1, 1), -1.0)
    got = kl_of_normals((loc, log_scale), (loc, log_scale + 1e-3))
    scales = log_scale.double(), (log_scale + 1e-3).double()
    expected = kl_of_normals((loc.double(), scales[0]), (loc.double(), scales[1]))
    assert float(got) == pytest.approx(float(expected), rel=1e-3)  # 1e-6 nats


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_the_averages_of_normals_are_those_of_a_loop_over_numbers(how: str):
    (loc, log_scale), (other, log_other) = normals(0), normals(1)
    expected = np.empty((2, H, V))
    for h in range(H):
        for v in range(V):
            means = float(loc[h, v]), float(other[h, v])
            variances = math.exp(log_scale[h, v]) ** 2, math.exp(log_other[h, v]) ** 2
            if how == "gvae":
                mean, variance = sum(means) / 2, sum(variances) / 2
            else:
                precisions = [1 / each for each in variances]
                mean = means[0] * precisions[0] + means[1] * precisions[1]
                mean, variance = mean / sum(precisions), 2 / sum(precisions)
            expected[:, h, v] = mean, math.log(math.sqrt(variance))
    got = average_of_normals((loc, log_scale), (other, log_other), how)
    np.testing.assert_allclose(torch.stack(got).numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_both_images_count_and_neither_more(how: str):
    """An average of the second mean with itself, as in a public port, is seen here."""
    first, second = normals(0), normals(1)
    forwards = average_of_normals(first, second, how)
    backwards = average_of_normals(second, first, how)
    for one, other in zip(forwards, backwards, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    moved = average_of_normals((first[0] + 1, first[1]), second, how)[0] - forwards[0]
    back = average_of_normals(first, (second[0] + 1, second[1]), how)[0] - forwards[0]
    assert float(moved.min()) > 0
    assert float(back.min()) > 0
    torch.testing.assert_close(moved + back, torch.ones(H, V, dtype=torch.float64))


def test_the_product_is_normal_and_is_the_ml_average():
    (loc, log_scale), (other, log_other) = normals(0), normals(1)
    mean, log_deviation = average_of_normals((loc, log_scale), (other, log_other), "ml_vae")
    points = torch.linspace(-3, 3, 9, dtype=torch.float64)[:, None, None]

    def log_q(mean: Tensor, log_scale: Tensor) -> Tensor:
        return Normal(mean, log_scale.exp()).log_prob(points)

    roots = 0.5 * (log_q(loc, log_scale) + log_q(other, log_other))
    constant = log_q(mean, log_deviation) - roots
    torch.testing.assert_close(constant, constant[:1].expand_as(constant), rtol=1e-9, atol=1e-9)


def test_categories_are_averaged_by_the_same_two_rules():
    one, other = categories(0), categories(1)
    expected = kl_divergence(Categorical(logits=one.T), Categorical(logits=other.T))
    torch.testing.assert_close(kl_of_categories(one, other), expected, rtol=1e-10, atol=1e-10)
    mean = average_of_categories(one, other, "gvae").exp()
    torch.testing.assert_close(mean, (one.exp() + other.exp()) / 2, rtol=1e-10, atol=1e-10)
    roots = (one.exp() * other.exp()).sqrt()
    product = average_of_categories(one, other, "ml_vae").exp()
    torch.testing.assert_close(product, roots / roots.sum(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_the_average_of_equals_is_what_they_are(how: str):
    same, equal = normals(0), categories(0)
    got = average_of_normals(same, same, how)
    torch.testing.assert_close(torch.stack(got), torch.stack(same), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(average_of_categories(equal, equal, how), equal)


def test_extreme_scales_stay_finite():
    far = torch.zeros(1, 1), torch.full((1, 1), 60.0)
    near = torch.ones(1, 1), torch.full((1, 1), -60.0)
    for how in ("gvae", "ml_vae"):
        for got in average_of_normals(far, near, how):
            assert bool(got.isfinite().all())


def test_shared_is_what_lies_below_the_middle_of_a_pair_s_own_range():
    kl = torch.tensor([[0.0, 1.0, 4.0, 1.9], [10.0, 30.0, 20.0, 19.0], [2.0, 2.0, 2.0, 2.0]])
    assert is_shared(kl).tolist() == [
        [True, True, False, True],
        [True, False, False, True],  # 20 is the middle itself
        [False] * 4,
    ]
