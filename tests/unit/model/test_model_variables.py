"""Continuous latent variables against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import LogNormal, Normal, kl_divergence

from runner.model.variables import Codes, LogNormals, Normals
from tests.conftest import prior_of


def test_normal_densities_agree_with_torch_distributions():
    normals = Normals(3)
    rows, columns = torch.randn(5, 6).double(), torch.randn(7, 6).double()
    z = normals.sample(rows, torch.randn(5, 3).double())
    loc, log_scale = columns.chunk(2, dim=1)
    expected_BMV = Normal(loc, log_scale.exp()).log_prob(z[:, None])
    torch.testing.assert_close(normals.log_pairs(z, columns), expected_BMV.permute(2, 0, 1))
    torch.testing.assert_close(
        normals.log_own(z, rows), normals.log_pairs(z, rows).diagonal(dim1=-2, dim2=-1)
    )
    prior = prior_of(normals=3)
    each = torch.cat([prior.log_pz(z, [v]) for v in range(3)])
    torch.testing.assert_close(each, Normal(0, 1).log_prob(z).T)
    loc, log_scale = rows.chunk(2, dim=1)
    kl = kl_divergence(Normal(loc, log_scale.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(prior.rate_per_variable(z, rows), kl)


def test_a_normal_draw_is_the_scaled_noise_around_the_mean():
    normals, rows = Normals(2), torch.randn(4, 4)
    loc, log_scale = rows.chunk(2, dim=1)
    noise = torch.randn(4, 2)
    torch.testing.assert_close(normals.sample(rows, noise), loc + log_scale.exp() * noise)
    assert torch.equal(normals.posterior_mean(rows), loc)
    assert torch.equal(normals.decoder_input(noise), noise)


def test_narrow_posteriors_keep_their_digits_in_float32():
    """A trained latent may have |z|/scale in the hundreds; the expanded square would lose nats."""
    normals = Normals(1)
    encodings = torch.tensor([[3.0, -6.0], [3.001, -6.0]])
    z = torch.tensor([[3.0005]])
    exact = normals.log_pairs(z.double(), encodings.double())
    torch.testing.assert_close(
        normals.log_pairs(z, encodings).double(), exact, atol=1e-3, rtol=1e-4
    )


def test_no_term_notices_whether_a_log_normal_is_written_by_its_logarithm():
    """Both densities change by 1/exp(z), so log q - log p does not."""
    variables, rows = LogNormals(3), torch.randn(5, 6).double()
    z = variables.sample(rows, torch.randn(5, 3).double())
    loc, log_scale = rows.chunk(2, dim=1)
    seen = variables.decoder_input(z)
    torch.testing.assert_close(seen, z.exp())
    ratio = LogNormal(loc, log_scale.exp()).log_prob(seen) - LogNormal(0, 1).log_prob(seen)
    got = variables.log_own(z, rows).T - Normal(0, 1).log_prob(z)
    torch.testing.assert_close(got, ratio)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("linear", lambda x: x), ("sigmoid", torch.sigmoid), ("relu", torch.relu)],
)
def test_a_code_is_the_encoder_s_numbers_whatever_the_noise(activation: str, expected):
    codes, numbers = Codes(3, activation), torch.randn(6, 3)
    assert codes.parameter_count == codes.count == 3
    for _ in range(2):
        assert torch.equal(codes.sample(numbers, torch.randn(6, 3)), expected(numbers))
    assert torch.equal(codes.posterior_mean(numbers), expected(numbers))
    assert torch.equal(codes.decoder_input(numbers), numbers)
