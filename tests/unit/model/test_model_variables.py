"""Latent variables against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from runner.model.variables import Concrete, Normals

CPU = torch.Generator()


def test_normal_densities_agree_with_torch_distributions():
    normals = Normals(3)
    rows, columns = torch.randn(5, 6).double(), torch.randn(7, 6).double()
    z = normals.sample(rows, torch.randn(5, 3).double())
    loc, log_scale = columns.chunk(2, dim=1)
    expected_BMV = Normal(loc, log_scale.exp()).log_prob(z[:, None])
    torch.testing.assert_close(
        normals.log_pairs(z, columns), expected_BMV.permute(2, 0, 1)[:, None]
    )
    torch.testing.assert_close(
        normals.log_own(z, rows), normals.log_pairs(z, rows).diagonal(dim1=-2, dim2=-1)
    )
    torch.testing.assert_close(normals.log_prior(z)[:, 0], Normal(0, 1).log_prob(z).T)
    loc, log_scale = rows.chunk(2, dim=1)
    kl = kl_divergence(Normal(loc, log_scale.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(normals.rate(z, rows), kl)


def test_narrow_posteriors_keep_their_digits_in_float32():
    """A trained latent may have |z|/scale in the hundreds; the expanded square would lose nats."""
    normals = Normals(1)
    encodings = torch.tensor([[3.0, -6.0], [3.001, -6.0]])
    z = torch.tensor([[3.0005]])
    exact = normals.log_pairs(z.double(), encodings.double())
    torch.testing.assert_close(
        normals.log_pairs(z, encodings).double(), exact, atol=1e-3, rtol=1e-4
    )


def test_exact_concrete_rate_is_the_categorical_kl():
    concrete = Concrete(5, 0.66, "exact")
    logits = torch.randn(8, 5).double()
    uniform = Categorical(logits=torch.zeros(5).double())
    z = concrete.sample(logits, concrete.noise(8, CPU).double())
    kl = kl_divergence(Categorical(logits=logits), uniform)
    torch.testing.assert_close(concrete.rate(z, logits)[:, 0], kl)
    torch.testing.assert_close(concrete.atoms(logits), logits.softmax(1).T)


def test_argmax_density_is_the_log_probability_of_the_drawn_category():
    concrete = Concrete(5, 0.66, "argmax")
    logits = torch.randn(8, 5).double()
    z = concrete.sample(logits, concrete.noise(8, CPU).double())
    drawn = Categorical(logits=logits[None]).log_prob(z.argmax(1)[:, None])
    torch.testing.assert_close(concrete.log_pairs(z, logits)[0, 0], drawn)
    assert concrete.atoms(logits).shape == (1, 8)
    torch.testing.assert_close(
        concrete.rate(z, logits)[:, 0], drawn.diagonal() + torch.tensor(5.0).log().double()
    )


def test_draws_follow_the_categorical_distribution():
    concrete = Concrete(3, 0.66, "exact")
    logits = torch.tensor([[0.0, 1.0, 2.0]]).repeat(20_000, 1)
    noise = concrete.noise(20_000, torch.Generator().manual_seed(0))
    hard = concrete.harden(concrete.sample(logits, noise))
    assert hard.sum(1).eq(1).all()
    torch.testing.assert_close(hard.mean(0), logits[0].softmax(0), atol=0.015, rtol=0)
    prior = concrete.prior_sample(noise)
    torch.testing.assert_close(prior.mean(0), torch.full((3,), 1 / 3), atol=0.015, rtol=0)


def test_gumbel_noise_is_finite_even_where_uniform_numbers_are_zero_or_one():
    concrete = Concrete(10, 0.66, "exact")
    noise = concrete.noise(200_000, torch.Generator().manual_seed(1))
    assert noise.isfinite().all()
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.01)  # Euler's constant
