"""The rate of a group: against torch.distributions, and beside the rate of all variables."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from runner.config import RunConfig
from runner.model import LatentSpace, group_rate
from runner.model.build_latent_space import build_latent_space
from runner.model.correlated import CorrelatedNormal
from runner.model.mixture import Mixture
from tests.conftest import prior_of

SAMPLES = 200_000


def given(latents: LatentSpace, samples: int, *, one_image: bool = False) -> tuple[Tensor, Tensor]:
    """Samples from q(z|x) and their parameters, of one image again and again if asked for."""
    source = torch.Generator().manual_seed(0)
    rows = 1 if one_image else samples
    shape = (rows, latents.parameter_count)
    parameters_BP = 0.5 * torch.randn(shape, generator=source, dtype=torch.float64)
    parameters_BP = parameters_BP.expand(samples, -1)
    noise_BW = latents.noise(samples, source).double()
    return latents.sample(parameters_BP, noise_BW), parameters_BP


@pytest.mark.parametrize(
    "overrides",
    [
        ("prior=normal", "prior.group_size=2"),
        ("prior=concrete_normal",),
        ("prior=laplace",),
        ("prior=student_t",),
        ("prior=nested",),
        ("++prior.discrete={on: bernoulli, shape: 3}",),
    ],
)
def test_rates_of_groups_sum_to_the_rate_under_a_prior_that_factorises(
    composed: Callable[..., RunConfig], overrides: tuple[str, ...]
):
    config = composed(*overrides)
    latents = build_latent_space(
        config.prior,
        shape=(1, 8, 8),
        classes=7,
        concrete_density=config.objective.concrete_density,
        images=lambda: torch.rand(20, 1, 8, 8),
    ).double()
    z_BW, parameters_BP = given(latents, 9)
    groups = range(len(latents.group_names))
    total_B = torch.stack([group_rate(latents, g, z_BW, parameters_BP) for g in groups]).sum(0)
    torch.testing.assert_close(total_B, latents.rate(z_BW, parameters_BP), rtol=0, atol=1e-10)


def correlated() -> CorrelatedNormal:
    matrix_VV = torch.full((4, 4), 0.6, dtype=torch.float64).fill_diagonal_(1)
    return CorrelatedNormal(matrix_VV)


def test_the_rate_of_a_part_of_correlated_normals_is_unbiased():
    """Beside the closed form of torch.distributions, which the marginal rates do not add up to."""
    latents = prior_of(normals=4, groups=[2, 2], p=correlated())
    z_BW, parameters_BP = given(latents, SAMPLES, one_image=True)
    found_B = group_rate(latents, 1, z_BW, parameters_BP)
    loc_BV, scale_BV = latents.posterior(parameters_BP)
    covariance_VV = torch.tensor([[1.0, 0.6], [0.6, 1.0]], dtype=torch.float64)
    prior = MultivariateNormal(torch.zeros(2, dtype=torch.float64), covariance_VV)
    posterior = MultivariateNormal(loc_BV[0, 2:], scale_BV[0, 2:].square().diag())
    expected = torch.distributions.kl_divergence(posterior, prior)
    error = found_B.std() / SAMPLES**0.5
    assert abs(found_B.mean() - expected) < 4 * error
    marginal = latents.rate_per_variable(z_BW, parameters_BP)[0, 2:].sum()
    assert abs(marginal - expected) > 40 * error


def test_the_rate_of_a_part_of_a_mixture_is_that_of_the_marginal_mixture():
    loc_KV = torch.tensor([[-2.0, 1.0, 0.0], [2.0, 0.0, 1.0]], dtype=torch.float64)
    scale_KV = torch.full_like(loc_KV, 0.7)
    mixture = Mixture(loc_KV, scale_KV, torch.zeros(2, dtype=torch.float64))
    latents = prior_of(normals=3, groups=[2, 1], p=mixture)
    z_BW, parameters_BP = given(latents, 5)
    loc_BV, scale_BV = latents.posterior(parameters_BP)
    log_q_B = Normal(loc_BV[:, :2], scale_BV[:, :2]).log_prob(z_BW[:, :2]).sum(1)
    log_p_KB = Normal(loc_KV[:, None, :2], scale_KV[:, None, :2]).log_prob(z_BW[:, :2]).sum(2)
    expected_B = log_q_B - (log_p_KB.logsumexp(0) - math.log(2))
    found_B = group_rate(latents, 0, z_BW, parameters_BP)
    torch.testing.assert_close(found_B, expected_B, rtol=0, atol=1e-10)


def test_a_group_of_all_variables_has_the_prior_s_own_rate():
    latents = prior_of(normals=4, groups=[4], p=correlated())
    z_BW, parameters_BP = given(latents, 5)
    expected_B = latents.rate(z_BW, parameters_BP)
    assert torch.equal(group_rate(latents, 0, z_BW, parameters_BP), expected_B)
