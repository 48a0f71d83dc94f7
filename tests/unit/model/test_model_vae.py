"""Networks, likelihoods and the model built from settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from runner.config import RunConfig
from runner.errors import UsageError
from runner.model import build
from runner.model.likelihood import build_likelihood

SIZES = [("mlp", 8), ("mlp", 28), ("conv28", 28), ("conv64", 64)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("architecture", "size"), SIZES)
def test_a_model_draws_images_of_the_shape_it_reads(
    composed: Callable[..., RunConfig], architecture: str, size: int, channels: int
):
    shape = (channels, size, size)
    config = composed(f"architecture={architecture}", "prior=concrete_normal")
    model = build(config, shape=shape, classes=3)
    images = torch.rand(2, *shape)
    parameters = model.encode(images)
    assert parameters.shape == (2, 3 + 20)
    z = model.latents.sample(parameters, model.latents.noise(2, torch.Generator()))
    drawn = model.decode_mean(z)
    assert drawn.shape == images.shape
    assert 0 < float(drawn.detach().min()) <= float(drawn.detach().max()) < 1


def test_hfvae_s_network_has_400_and_200_units(composed: Callable[..., RunConfig]):
    model = build(composed("dataset=mnist", "prior.dimensions=10"), shape=(1, 28, 28), classes=10)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if "weight" in name]
    assert shapes == [(400, 784), (200, 400), (20, 200), (200, 10), (400, 200), (784, 400)]


def test_the_seed_alone_decides_the_first_parameters(composed: Callable[..., RunConfig]):
    def first(seed: int) -> torch.Tensor:
        torch.rand(seed + 1)  # the global generator's state must not matter
        model = build(composed("dataset=digits", f"seed={seed}"), shape=(1, 8, 8), classes=10)
        return torch.cat([p.flatten() for p in model.parameters()])

    before = torch.random.get_rng_state()
    build(composed("dataset=digits"), shape=(1, 8, 8), classes=10)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(3), first(3))
    assert not torch.equal(first(3), first(4))


def test_a_network_for_another_size_is_refused(composed: Callable[..., RunConfig]):
    with pytest.raises(UsageError, match="conv64 takes 64x64 images, but the dataset's are 28x28"):
        build(composed("architecture=conv64"), shape=(1, 28, 28), classes=10)


def test_bernoulli_and_gaussian_agree_with_torch_distributions(
    composed: Callable[..., RunConfig],
):
    output, images = torch.randn(4, 1, 3, 3), torch.rand(4, 1, 3, 3).round()
    bernoulli = build_likelihood(composed("likelihood=bernoulli").likelihood)
    expected = Bernoulli(logits=output).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli.log_prob(output, images), expected)
    gaussian = build_likelihood(composed("likelihood=gaussian", "likelihood.scale=0.3").likelihood)
    expected = Normal(output.sigmoid(), 0.3).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(gaussian.log_prob(output, images), expected)
    torch.testing.assert_close(gaussian.mean(output), output.sigmoid())


def test_bf16_leaves_latents_and_outputs_in_float32(composed: Callable[..., RunConfig]):
    model = build(composed("dataset=digits", "precision=bf16"), shape=(1, 8, 8), classes=10)
    images = torch.rand(5, 1, 8, 8)
    parameters = model.encode(images)
    assert parameters.dtype == torch.float32
    exact = build(composed("dataset=digits"), shape=(1, 8, 8), classes=10).encode(images)
    assert not torch.equal(parameters, exact)  # the networks did compute in bfloat16
    torch.testing.assert_close(parameters, exact, atol=0.02, rtol=0.05)


def test_a_prior_that_starts_from_images_needs_them(composed: Callable[..., RunConfig]):
    config = composed("dataset=digits", "prior=vamp", "prior.pseudo_inputs=3")
    with pytest.raises(ValueError, match="prior=vamp starts from training images"):
        build(config, shape=(1, 8, 8), classes=10)


def test_the_networks_start_does_not_depend_on_the_prior(composed: Callable[..., RunConfig]):
    """Images, random means or pseudo-inputs are drawn before, from a seed of their own."""
    images = torch.rand(20, 1, 8, 8)
    starts = []
    for words in (("prior=normal",), ("prior=vamp", "prior.pseudo_inputs=3"),
                  ("prior=mixture", "prior.means=random"), ("prior=anisotropic",)):  # fmt: skip
        config = composed("dataset=digits", *words)
        model = build(config, shape=(1, 8, 8), classes=10, images=lambda: images)
        starts.append(torch.cat([p.flatten() for p in model.encoder.parameters()]))
    assert all(torch.equal(start, starts[0]) for start in starts)


def test_a_vamp_prior_is_open_for_a_step_with_gradients_to_its_images(
    composed: Callable[..., RunConfig],
):
    images = torch.rand(20, 1, 8, 8)
    config = composed("dataset=digits", "prior=vamp", "prior.pseudo_inputs=3")
    model = build(config, shape=(1, 8, 8), classes=10, images=lambda: images)
    latents = model.bind_latents()
    numbers = model.encode(images)
    z = latents.sample(numbers, latents.noise(20, torch.Generator().manual_seed(0)))
    latents.rate(z, numbers).mean().backward()
    (pseudo,) = model.latents.parameters()
    assert pseudo.grad is not None
    assert pseudo.grad.abs().sum() > 0
    assert "latents.prior.logits_KCHW" in model.state_dict()


def test_a_step_s_temperature_reaches_the_draws(composed: Callable[..., RunConfig]):
    config = composed("dataset=digits", "prior=concrete_normal")
    model = build(config, shape=(1, 8, 8), classes=10)
    assert model.bind_latents() is model.latents
    assert model.bind_latents(0.2).discrete.temperature == 0.2
    assert model.latents.discrete.temperature == 0.66
