"""The correlated normal prior, against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch import distributions as D  # noqa: N812 - one letter, for formulas

from runner.model.correlated import CorrelatedNormal

R = torch.tensor([[1.0, 0.6, -0.2], [0.6, 1.0, 0.3], [-0.2, 0.3, 1.0]], dtype=torch.double)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize("variables", [[0, 1, 2], [2, 0], [1]])
def test_log_densities_of_all_subsets_agree_with_torch_distributions(variables):
    z = 2 * draw(50, 3)
    covariance = R[variables][:, variables]
    expected = D.MultivariateNormal(torch.zeros(len(variables)).double(), covariance)
    torch.testing.assert_close(
        CorrelatedNormal(R).double().log_joint(z, variables), expected.log_prob(z[:, variables])
    )


def test_marginals_are_standard_normal():
    density, z = CorrelatedNormal(R).double(), draw(20, 3)
    torch.testing.assert_close(density.log_marginals(z), D.Normal(0, 1).log_prob(z).T)
    torch.testing.assert_close(density.scale_V, torch.ones(3).double())
    loc, scale = draw(20, 3, seed=1), draw(20, 3, seed=2).exp()
    kl = D.kl_divergence(D.Normal(loc, scale), D.Normal(0.0, 1.0))
    torch.testing.assert_close(density.rate_per_variable(loc, scale, z), kl)


def test_the_rate_is_the_divergence_of_the_normals():
    loc, scale = draw(20, 3, seed=1), draw(20, 3, seed=2).exp()
    posterior = D.MultivariateNormal(loc, torch.diag_embed(scale.square()))
    expected = D.kl_divergence(posterior, D.MultivariateNormal(torch.zeros(3).double(), R))
    torch.testing.assert_close(CorrelatedNormal(R).double().rate(loc, scale, loc), expected)


def test_draws_have_the_correlation():
    generator = torch.Generator().manual_seed(0)
    z = CorrelatedNormal(R).sample(torch.rand(40_000, 3, generator=generator).double())
    torch.testing.assert_close(z.T.cov(), R, rtol=0, atol=0.03)


def test_only_an_uncorrelated_normal_factorises():
    assert not CorrelatedNormal(R).factorises
    assert CorrelatedNormal(torch.eye(3)).factorises


def test_it_has_nothing_to_learn_and_opens_as_itself():
    density = CorrelatedNormal(R)
    assert not list(density.parameters())
    assert list(density.state_dict()) == ["correlation_VV"]
    assert density.with_encoder(lambda images: (images, images)) is density
