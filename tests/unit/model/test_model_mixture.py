"""Mixtures of normals, against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch import distributions as D  # noqa: N812 - one letter, for formulas
from torch import nn

from runner.model.mixture import Mixture, VampPrior, ring


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


LOC, SCALE, LOGITS = draw(4, 3), draw(4, 3, seed=1).exp(), draw(4, seed=2)


def expected(variables: list[int]) -> D.MixtureSameFamily:
    normals = D.Independent(D.Normal(LOC[:, variables], SCALE[:, variables]), 1)
    return D.MixtureSameFamily(D.Categorical(logits=LOGITS), normals)


def test_log_densities_of_all_subsets_agree_with_torch_distributions():
    mixture, z = Mixture(LOC, SCALE, LOGITS), 3 * draw(50, 3, seed=3)
    for variables in ([0, 1, 2], [2, 0], [1]):
        torch.testing.assert_close(
            mixture.log_joint(z, variables), expected(variables).log_prob(z[:, variables])
        )
    for variable in range(3):
        torch.testing.assert_close(
            mixture.log_marginals(z)[variable], mixture.log_joint(z, [variable])
        )


def test_the_scale_is_the_standard_deviation_over_all_components():
    mixture = Mixture(LOC, SCALE, LOGITS)
    torch.testing.assert_close(mixture.scale_V, expected([0, 1, 2]).stddev)


def test_rates_are_the_log_ratios_at_the_sample():
    mixture = Mixture(LOC, SCALE, LOGITS)
    loc, scale, z = draw(20, 3, seed=4), draw(20, 3, seed=5).exp(), draw(20, 3, seed=6)
    log_qz_x_BV = D.Normal(loc, scale).log_prob(z)
    torch.testing.assert_close(
        mixture.rate(loc, scale, z), log_qz_x_BV.sum(1) - expected([0, 1, 2]).log_prob(z)
    )
    torch.testing.assert_close(
        mixture.rate_per_variable(loc, scale, z)[:, 1],
        log_qz_x_BV[:, 1] - expected([1]).log_prob(z[:, [1]]),
    )


def test_the_first_uniform_picks_the_component_and_the_others_place_the_draw():
    mixture = Mixture(LOC, SCALE, LOGITS)
    generator = torch.Generator().manual_seed(7)
    uniform = torch.rand(40_000, mixture.uniform_count, generator=generator, dtype=torch.double)
    uniform[:, 1:] = 0.5
    z = mixture.sample(uniform)
    share_K = (z[:, None] == LOC).all(2).double().mean(0)
    torch.testing.assert_close(share_K, LOGITS.softmax(0), rtol=0, atol=0.01)
    assert share_K.sum() == 1
    ends = torch.tensor([[0.0], [1.0]]).double().expand(2, 4)
    assert mixture.sample(ends).isfinite().all()
    torch.testing.assert_close(
        mixture.sample(ends.clamp(0.5))[0], mixture.sample(ends * 0 + 0.5)[0]
    )


def test_rounding_of_the_weights_leaves_no_uniform_without_a_component():
    mixture = Mixture(torch.arange(7.0)[:, None], torch.full((7, 1), 1e-6), torch.zeros(7))
    last = mixture.sample(torch.tensor([[1 - 2.0**-24, 0.5]]))
    torch.testing.assert_close(last, torch.tensor([[6.0]]))


def test_a_mixture_factorises_only_with_one_component_or_variable():
    assert not Mixture(LOC, SCALE, LOGITS).factorises
    assert Mixture(LOC[:1], SCALE[:1], LOGITS[:1]).factorises
    assert Mixture(LOC[:, :1], SCALE[:, :1], LOGITS).factorises


def test_learned_means_and_weights_follow_the_gradient():
    mixture = Mixture(nn.Parameter(LOC.clone()), SCALE, nn.Parameter(LOGITS.clone()))
    assert {name for name, _ in mixture.named_parameters()} == {"loc_KV", "logits_K"}
    optimiser = torch.optim.SGD(mixture.parameters(), lr=0.1)
    z = draw(64, 3, seed=8) + 2
    before = mixture.log_joint(z, range(3)).mean()
    (-before).backward()
    assert all(parameter.grad.abs().max() > 1e-3 for parameter in mixture.parameters())
    optimiser.step()
    assert mixture.log_joint(z, range(3)).mean() > before
    draws = mixture.sample(torch.full((5, 4), 0.3).double())
    assert torch.autograd.grad(draws.sum(), mixture.loc_KV)[0].sum() == 15


def test_means_of_the_ring_are_those_of_the_pinwheel():
    torch.testing.assert_close(
        ring(4, 3), torch.tensor([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    )


class Encoder(nn.Module):
    """Two linear maps."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 6)

    def forward(self, images):
        loc, log_scale = self.linear(images.flatten(1)).chunk(2, dim=1)
        return loc, log_scale.exp()


def test_an_opened_vamp_prior_is_the_mixture_of_the_posteriors_of_its_images():
    torch.manual_seed(0)
    vamp, encoder = VampPrior(torch.rand(5, 1, 4, 4), 3).double(), Encoder().double()
    opened = vamp.with_encoder(encoder)
    z = draw(10, 3)
    loc, scale = encoder(vamp.pseudo_inputs_KCHW)
    log_BK = D.Normal(loc, scale).log_prob(z[:, None]).sum(2)
    torch.testing.assert_close(opened.log_joint(z, range(3)), log_BK.exp().mean(1).log())
    assert (opened.count, opened.uniform_count) == (vamp.count, vamp.uniform_count) == (3, 4)
    assert opened.factorises is vamp.factorises is False


def test_images_and_encoder_of_a_vamp_prior_are_learned():
    torch.manual_seed(0)
    vamp, encoder = VampPrior(torch.rand(5, 1, 4, 4).round(), 3), Encoder()
    loss = -vamp.with_encoder(encoder).log_joint(torch.randn(10, 3), range(3)).mean()
    loss.backward()
    assert (vamp.logits_KCHW.grad != 0).all(), "a black or white pixel must not be stuck"
    assert encoder.linear.weight.grad.abs().max() > 0


def test_learned_images_start_near_those_given():
    torch.manual_seed(0)
    images = torch.rand(5, 1, 4, 4)
    start = VampPrior(images, 3).pseudo_inputs_KCHW
    assert 0 < (start - images).abs().max() < 0.06
    assert 0 < start.min() <= start.max() < 1


def test_an_unopened_vamp_prior_has_no_density():
    vamp, z = VampPrior(torch.rand(5, 1, 4, 4), 3), torch.zeros(2, 3)
    calls = [
        lambda: vamp.scale_V,
        lambda: vamp.log_marginals(z),
        lambda: vamp.log_joint(z, [0]),
        lambda: vamp.rate(z, z, z),
        lambda: vamp.rate_per_variable(z, z, z),
        lambda: vamp.sample(z),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="only with an encoder"):
            call()
