"""Priors of independent variables, against torch.distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions as D  # noqa: N812 - one letter, for formulas

from runner.model.independent import (
    AnisotropicNormal,
    Independent,
    Laplace,
    SpikeSlab,
    StandardNormal,
    StudentT,
    columns,
    normal_quantile,
    open_interval,
)
from runner.model.principal_variances import principal_variances


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)


def uniform(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def spike_slab() -> D.MixtureSameFamily:
    weights = torch.tensor([0.2, 0.8]).double()
    scales = torch.tensor([1.0, 0.05]).double()
    return D.MixtureSameFamily(D.Categorical(weights), D.Normal(torch.zeros_like(scales), scales))


VARIANCES = torch.tensor([4.0, 1.0, 0.5])
SCALES = (VARIANCES.double() * 3 * 0.7 / 5.5).sqrt()  # the mean of the variances is 0.7
ONES = torch.ones(3).double()
PAIRS = {
    "normal": (StandardNormal(3), D.Normal(0 * ONES, ONES)),
    "anisotropic": (AnisotropicNormal(VARIANCES, 0.7, learned=True), D.Normal(0 * ONES, SCALES)),
    "laplace": (Laplace(3, 0.6), D.Laplace(0 * ONES, 0.6 * ONES)),
    "student_t": (StudentT(3, 5), D.StudentT(5 * ONES)),
    "sparse": (SpikeSlab(3, 0.8, 0.05), spike_slab().expand((3,))),
}
NAMES = sorted(PAIRS)


def pair(name: str):
    marginals, expected = PAIRS[name]
    return Independent(marginals.double()), expected


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_agree_with_torch_distributions(name):
    density, expected = pair(name)
    z = 3 * draw(50, 3)
    log_BV = expected.log_prob(z)
    torch.testing.assert_close(density.log_marginals(z), log_BV.T, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        density.log_joint(z, [2, 0]), log_BV[:, [2, 0]].sum(1), rtol=1e-6, atol=1e-6
    )
    assert density.count == 3
    assert density.with_encoder(lambda images: (images, images)) is density


@pytest.mark.parametrize("name", NAMES)
def test_scales_are_standard_deviations(name):
    density, expected = pair(name)
    torch.testing.assert_close(density.scale_V, expected.stddev, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["normal", "anisotropic"])
def test_normal_rates_are_those_of_torch(name):
    density, expected = pair(name)
    loc, scale = draw(20, 3), draw(20, 3).exp()
    kl_BV = D.kl_divergence(D.Normal(loc, scale), expected)
    torch.testing.assert_close(
        density.rate_per_variable(loc, scale, loc), kl_BV, rtol=1e-6, atol=1e-6
    )
    torch.testing.assert_close(density.rate(loc, scale, loc), kl_BV.sum(1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["student_t", "sparse"])
def test_other_rates_are_the_log_ratio_at_the_sample(name):
    density, expected = pair(name)
    loc, scale, z = draw(20, 3), draw(20, 3).exp(), 2 * draw(20, 3).flip(0)
    ratio_BV = D.Normal(loc, scale).log_prob(z) - expected.log_prob(z)
    torch.testing.assert_close(density.rate_per_variable(loc, scale, z), ratio_BV)
    torch.testing.assert_close(density.rate(loc, scale, z), ratio_BV.sum(1))


def test_the_laplace_rate_keeps_its_value_and_gradient_where_the_posterior_is_narrow():
    """The folded normal's mean is then |loc|."""
    loc = torch.tensor([[3.0, -3.0, 0.0]], requires_grad=True)
    scale = torch.full((1, 3), 1e-4)
    rates = Laplace(3, 0.5).rate_per_variable(loc, scale, loc)
    entropy = math.log(1e-4) + 0.5 * math.log(2 * math.pi * math.e)
    folded = torch.tensor([[3.0, 3.0, 1e-4 * math.sqrt(2 / math.pi)]])
    torch.testing.assert_close(rates, folded / 0.5 + math.log(1.0) - entropy)
    (gradient,) = torch.autograd.grad(rates.sum(), loc)
    torch.testing.assert_close(gradient, torch.tensor([[2.0, -2.0, 0.0]]))


@pytest.mark.parametrize("name", ["normal", "anisotropic", "laplace"])
def test_quantiles_invert_the_distribution_function(name):
    density, expected = pair(name)
    uniform_BU = uniform(100, density.uniform_count)
    torch.testing.assert_close(
        expected.cdf(density.sample(uniform_BU)), uniform_BU, rtol=1e-6, atol=1e-7
    )


def test_a_spike_of_no_weight_leaves_the_slab():
    z = draw(20, 3).requires_grad_()
    log_BV = SpikeSlab(3, 0.0, 0.05).log_density(z)
    torch.testing.assert_close(log_BV, StandardNormal(3).log_density(z))
    (gradient,) = torch.autograd.grad(log_BV.sum(), z)
    torch.testing.assert_close(gradient, -z)


def test_student_t_without_a_variance_gives_its_scale():
    torch.testing.assert_close(StudentT(2, 2.0).scale_V, torch.ones(2))


@pytest.mark.parametrize("name", NAMES)
def test_draws_are_finite_at_the_ends_of_the_interval(name):
    """A float32 generator gives exact zeros, once in 2**24 numbers."""
    for dtype in (torch.float32, torch.double):
        density = Independent(PAIRS[name][0]).to(dtype)
        for end in (0.0, 1.0):
            z = density.sample(torch.full((1, density.uniform_count), end, dtype=dtype))
            assert z.dtype == dtype
            assert z.isfinite().all()
        density.double()


def test_the_open_interval_leaves_all_other_numbers():
    inside = torch.tensor([2.0**-24, 0.3, 1 - 2.0**-24])
    assert torch.equal(open_interval(inside), inside)
    torch.testing.assert_close(
        normal_quantile(inside.double()), torch.special.ndtri(inside.double())
    )


def test_learned_variances_keep_their_total_and_follow_the_gradient():
    prior = AnisotropicNormal(VARIANCES, 0.7, learned=True)
    assert [name for name, _ in prior.named_parameters()] == ["logits_V"]
    z = torch.tensor([[0.1, 0.1, 2.0]])
    optimiser = torch.optim.SGD(prior.parameters(), lr=0.5)
    before = prior.scale_V.detach()
    (-prior.log_density(z).sum()).backward()
    optimiser.step()
    after = prior.scale_V.detach()
    assert after[2] > before[2]
    torch.testing.assert_close(after.square().mean(), torch.tensor(0.7))


def test_draws_and_rates_carry_gradients_to_learned_variances():
    prior = AnisotropicNormal(VARIANCES, 0.7, learned=True)
    for value in (
        prior.sample(torch.full((1, 3), 0.9))[0, 0],
        prior.rate_per_variable(*torch.ones(3, 1, 3)),
    ):
        (gradient,) = torch.autograd.grad(value.sum(), prior.logits_V)
        assert gradient.abs().max() > 0.01


def test_given_variances_are_no_parameters_but_are_saved():
    prior = AnisotropicNormal(VARIANCES, 0.7, learned=False)
    assert not list(prior.parameters())
    assert list(prior.state_dict()) == ["logits_V"]


def test_columns_are_those_asked_for_in_their_order():
    values = draw(4, 5)
    assert torch.equal(columns(values, (3, 0)), values[:, [3, 0]])


def test_principal_variances_are_the_leading_eigenvalues_of_the_covariance():
    images = draw(300, 1, 6, 6) * torch.linspace(2, 0.1, 36, dtype=torch.double).view(6, 6) + 5
    eigenvalues = torch.linalg.eigvalsh(images.flatten(1).T.cov()).flip(0)
    state = torch.get_rng_state()
    torch.testing.assert_close(
        principal_variances(images, 4).double(), eigenvalues[:4], rtol=1e-3, atol=0
    )
    assert torch.equal(torch.get_rng_state(), state), "the networks' own randomness was touched"


def test_many_images_are_thinned_out():
    images = draw(25_000, 1, 1, 3)
    torch.testing.assert_close(principal_variances(images, 2), principal_variances(images[::3], 2))


@pytest.mark.parametrize("images", [draw(4, 1, 3, 3), draw(50, 1, 1, 1).expand(50, 1, 3, 3)])
def test_images_that_vary_in_too_few_directions_have_no_principal_variances(images):
    with pytest.raises(ValueError, match="vary in fewer than 4 directions"):
        principal_variances(images, 4)
