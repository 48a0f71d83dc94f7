"""The five terms against closed forms and against what independent latents must give."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.model.discrete import Concrete
from runner.objective import decompose, log_mixture_weights
from tests.conftest import prior_of

ZERO = torch.zeros((), dtype=torch.float64)


def parameters(loc_BD: Tensor, scale: float) -> Tensor:
    return torch.cat([loc_BD, torch.full_like(loc_BD, math.log(scale))], dim=1)


@pytest.mark.parametrize("batch", [64, 256, 1024])
def test_total_correlation_of_independent_latents_is_under_three_nats(batch: int):
    """q(z) is exactly N(0, I) in ten dimensions; public code reports -58 to +96 nats here."""
    source = torch.Generator().manual_seed(batch)
    prior = prior_of(normals=10, groups=[1] * 10)
    variance = 0.1
    loc_BD = math.sqrt(1 - variance) * torch.randn(batch, 10, generator=source).double()
    encodings_BP = parameters(loc_BD, math.sqrt(variance))
    z_BD = prior.sample(encodings_BP, torch.randn(batch, 10, generator=source).double())
    log_weights_BM = log_mixture_weights(batch, batch, 20_000, like=z_BD)
    terms = decompose(prior.densities(z_BD, encodings_BP, encodings_BP), ZERO, log_weights_BM).terms
    assert -3 < float(terms.group_total_correlation) < 3
    assert float(terms.within_group_total_correlation) == 0  # groups of one variable


def test_one_encoding_for_all_images_leaves_only_the_closed_form_kl():
    """MI and correlations vanish exactly; the dimension-wise KL is the normal KL."""
    images = 1500
    prior = prior_of(normals=2, groups=[1, 1])
    encodings_BP = parameters(torch.tensor([[0.7, -0.3]]).double().repeat(images, 1), 0.6)
    source = torch.Generator().manual_seed(0)
    z_BD = prior.sample(encodings_BP, torch.randn(images, 2, generator=source).double())
    densities = prior.densities(z_BD, encodings_BP, encodings_BP)
    log_weights_BM = log_mixture_weights(images, images, 60_000, like=z_BD)
    terms = decompose(densities, ZERO, log_weights_BM).terms
    q = torch.distributions.Normal(torch.tensor([0.7, -0.3]), 0.6)
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum()
    assert float(terms.index_code_mi) == pytest.approx(0, abs=1e-9)
    assert float(terms.group_total_correlation) == pytest.approx(0, abs=1e-9)
    assert float(terms.dimension_wise_kl) == pytest.approx(float(kl), abs=0.1)


def test_separate_encodings_carry_the_logarithm_of_their_number():
    """With B = N and posteriors that never meet, I(x; z) is log N."""
    images = 50
    prior = prior_of(normals=1)
    encodings_NP = parameters(10 * torch.arange(images).double()[:, None], 0.1)
    z_ND = prior.sample(encodings_NP, torch.randn(images, 1).double())
    densities = prior.densities(z_ND, encodings_NP, encodings_NP)
    result = decompose(densities, ZERO, log_mixture_weights(images, images, images, like=z_ND))
    assert float(result.terms.index_code_mi) == pytest.approx(math.log(images), abs=1e-9)
    assert float(result.variable_information_V[0]) == pytest.approx(math.log(images), abs=1e-9)


def test_the_exact_sum_over_categories_is_the_categorical_information():
    """Full batch: I(x; c) and the rate from the table q(k|x), with no sampling noise."""
    logits_NK = torch.randn(30, 4, dtype=torch.float64) * 2
    concrete = Concrete(4)
    prior = prior_of({"category": concrete})
    q_NK = logits_NK.softmax(1)
    marginal_K = q_NK.mean(0)
    information = float((q_NK * (q_NK / marginal_K).log()).sum(1).mean())
    kl = float((marginal_K * (marginal_K * 4).log()).sum())
    for draw in range(2):  # whatever was drawn
        noise_NK = concrete.noise(30, torch.Generator().manual_seed(draw)).double()
        z_NK = prior.sample(logits_NK, noise_NK)
        densities = prior.densities(z_NK, logits_NK, logits_NK)
        terms = decompose(densities, ZERO, log_mixture_weights(30, 30, 30, like=z_NK)).terms
        assert float(terms.index_code_mi) == pytest.approx(information)
        assert float(terms.dimension_wise_kl) == pytest.approx(kl)
        rate = prior.rate(z_NK, logits_NK).mean()
        assert float(rate) == pytest.approx(information + kl)


def test_the_exact_sum_is_the_mean_over_drawn_categories():
    """A group correlation with a Concrete variable: the sum equals the expectation by hand."""
    source = torch.Generator().manual_seed(3)
    batch, categories = 6, 3
    prior = prior_of({"category": Concrete(categories)}, 2)
    encodings_BP = torch.randn(batch, categories + 4, generator=source, dtype=torch.float64)
    z_BW = prior.sample(encodings_BP, prior.noise(batch, source).double())
    log_weights_BM = log_mixture_weights(batch, batch, 100, like=z_BW)
    densities = prior.densities(z_BW, encodings_BP, encodings_BP)
    got = decompose(densities, ZERO, log_weights_BM).terms.group_total_correlation

    q_BK = encodings_BP[:, :categories].softmax(1)
    loc, log_scale = encodings_BP[:, categories:].chunk(2, dim=1)
    normal = torch.distributions.Normal(loc[None], log_scale.exp()[None])
    style_BM = normal.log_prob(z_BW[:, None, categories:]).sum(-1)
    weights_BM = log_weights_BM.exp()
    expected = 0.0
    for b in range(batch):
        for k in range(categories):
            joint = (weights_BM[b] * q_BK[:, k] * style_BM[b].exp()).sum()
            category = (weights_BM[b] * q_BK[:, k]).sum()
            style = (weights_BM[b] * style_BM[b].exp()).sum()
            expected += float(q_BK[b, k] * (joint / (category * style)).log()) / batch
    assert float(got) == pytest.approx(expected)


def test_a_single_group_has_no_correlation_between_groups():
    prior = prior_of(normals=4)
    encodings_BP = torch.randn(16, 8, dtype=torch.float64)
    z_BD = prior.sample(encodings_BP, torch.randn(16, 4).double())
    densities = prior.densities(z_BD, encodings_BP, encodings_BP)
    terms = decompose(densities, ZERO, log_mixture_weights(16, 16, 99, like=z_BD)).terms
    assert float(terms.group_total_correlation) == 0
    assert float(terms.within_group_total_correlation) != 0
