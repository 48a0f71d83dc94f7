"""The networks of topic models, the multinomial likelihood, and the prior of proportions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import COUNTS
from runner.model import VAE, VaeRepresentation, build
from runner.model.likelihood import Multinomial
from runner.model.topics import drop_out

TOPICS = ("prior=dirichlet_laplace", "prior.dimensions=3", "likelihood=multinomial")
SHAPE = (1, 1, 7)


@pytest.fixture
def model(composed: Callable[..., RunConfig]) -> Callable[..., VAE]:
    def build_one(*overrides: str) -> VAE:
        config = composed("architecture=prodlda", *TOPICS, *overrides)
        return build(config, shape=SHAPE, classes=0)

    return build_one


def counts(documents: int = 12) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.randint(4, (documents, *SHAPE), generator=draws).float()


def test_the_multinomial_is_the_sum_over_words_of_their_log_probabilities():
    draws = torch.Generator().manual_seed(1)
    logits = torch.randn(12, *SHAPE, generator=draws, dtype=torch.float64)
    found = Multinomial().log_prob(logits, counts().double())
    exponentials = logits.flatten(1).exp()
    probabilities = exponentials / exponentials.sum(1, keepdim=True)
    plain = torch.stack([
        sum(x * p.log() for x, p in zip(row, of, strict=True))
        for row, of in zip(counts().double().flatten(1), probabilities, strict=True)
    ])  # fmt: skip
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-10)
    torch.testing.assert_close(Multinomial().mean(logits).flatten(1), probabilities)
    single = Multinomial().log_prob(logits.float(), counts())
    assert (single - found).abs().max() < 1e-4  # nats, of float32


def test_what_a_document_is_compared_with_has_its_length():
    expected = Multinomial().expected(torch.zeros(12, *SHAPE), counts())
    torch.testing.assert_close(expected.flatten(1).sum(1), counts().flatten(1).sum(1))


@pytest.mark.parametrize(("topics", "concentration"), [(50, 1.0), (3, 0.02)])
def test_the_prior_is_laplace_s_approximation_of_a_dirichlet(
    composed: Callable[..., RunConfig], topics: int, concentration: float
):
    config = composed(
        "prior=dirichlet_laplace", f"prior.dimensions={topics}",
        f"prior.concentration={concentration}", "architecture=nvdm",
    )  # fmt: skip
    latents = build(config, shape=SHAPE, classes=0).latents
    # The inverse of the Hessian of the negative log-density at its mode, in the softmax basis:
    # K a (diag(p) - p p^T) with p = 1/K, on the directions that sum to zero.
    every = torch.ones(topics, topics, dtype=torch.float64) / topics
    hessian = concentration * (torch.eye(topics) - every)
    variance = torch.linalg.pinv(hessian).diagonal()
    # Srivastava and Sutton's diagonal, (1/a)(1 - 2/K) + 1/(K a), is that of this one as well.
    scale = torch.tensor(list(latents.prior_std.values()), dtype=torch.float64)
    torch.testing.assert_close(scale.square(), variance, rtol=1e-5, atol=0)


def test_parameters_are_normalised_and_log_scales_are_half_a_log_variance(
    model: Callable[..., VAE],
):
    vae = model().train()
    raw: list[torch.Tensor] = []
    vae.encoder.norm.register_forward_hook(lambda _, given, __: raw.append(given[0]))
    parameters_BP = vae.encode(counts(200))
    variances, means = torch.var_mean(raw[0], 0, unbiased=False)
    expected = (raw[0] - means) / (variances + 1e-3).sqrt()
    torch.testing.assert_close(parameters_BP[:, :3], expected[:, :3], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(parameters_BP[:, 3:], expected[:, 3:] / 2, rtol=1e-4, atol=1e-4)


def test_averages_over_minibatches_are_used_in_an_evaluation(model: Callable[..., VAE]):
    vae = model()
    vae.train().encode(counts(200))
    alone = vae.eval().encode(counts()[:1])
    beside = vae.encode(counts())[:1]
    torch.testing.assert_close(alone, beside)
    assert any(name.endswith("running_mean") for name in vae.state_dict())


def test_dropout_is_a_function_of_the_numbers_that_it_is_given(model: Callable[..., VAE]):
    vae = model().train()
    encoding, decoding = vae.network_uniforms
    assert (encoding, decoding) == (100, 3)
    draws = torch.Generator().manual_seed(0)
    one, other = (torch.rand(12, encoding, generator=draws) for _ in range(2))
    first = vae.encode(counts(), one)
    torch.testing.assert_close(vae.encode(counts(), one), first, rtol=0, atol=0)
    assert not torch.equal(vae.encode(counts(), other), first)
    vae.eval()
    torch.testing.assert_close(vae.encode(counts(), one), vae.encode(counts()), rtol=0, atol=0)


def test_dropout_keeps_the_mean():
    uniform = torch.rand(100_000, 1, generator=torch.Generator().manual_seed(0))
    found = drop_out(torch.ones(100_000, 1), 0.6, uniform)
    assert sorted(found.unique().tolist()) == pytest.approx([0, 2.5])
    assert found.mean().item() == pytest.approx(1, abs=0.02)


def test_a_network_without_dropout_takes_no_numbers(model: Callable[..., VAE]):
    assert model("architecture.dropout=0").network_uniforms == (0, 0)
    assert model("architecture=nvdm").network_uniforms == (0, 0)


@pytest.mark.parametrize("architecture", ["prodlda", "nvdm", "mlp"])
def test_loadings_are_a_row_of_words_per_column(model: Callable[..., VAE], architecture: str):
    vae = model(f"architecture={architecture}").eval()
    loadings_KV = VaeRepresentation(vae, COUNTS.to_input).loadings()
    assert loadings_KV.shape == (3, 7)
    if architecture != "nvdm":
        return
    z_BK = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    moved = vae.decode(z_BK + torch.tensor([0.0, 1.0, 0.0])) - vae.decode(z_BK)
    torch.testing.assert_close(moved.flatten(1), loadings_KV[1].expand(4, -1))


@pytest.mark.parametrize("prior", ["dirichlet_laplace", "normal"])
def test_another_decoder_is_moved_by_a_standard_deviation_of_the_prior(
    model: Callable[..., VAE], prior: str
):
    of_prior = "prior.group_size=null" if prior == "normal" else "prior.concentration=0.1"
    vae = model("architecture=mlp", f"prior={prior}", of_prior).eval()
    std = list(vae.latents.prior_std.values())
    assert (std[0] == pytest.approx(1)) == (prior == "normal")
    found_KV = VaeRepresentation(vae, COUNTS.to_input).loadings()
    middle = vae.latents.prior_center(torch.zeros(1, 3))
    z_BK = torch.stack([middle, middle + torch.tensor([0.0, std[1], 0.0])])
    log_p = vae.decode_mean(z_BK).flatten(1).log()
    torch.testing.assert_close(found_KV[1], log_p[1] - log_p[0], atol=1e-5, rtol=1e-4)


def test_logits_are_normalised_products_with_the_topics(model: Callable[..., VAE]):
    vae = model().eval()
    z_BK = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    topics_KV = VaeRepresentation(vae, COUNTS.to_input).loadings()
    # Before a step the averages are 0 and 1.
    expected = z_BK.softmax(1) @ topics_KV / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(vae.decode(z_BK).flatten(1), expected)
