"""The likelihoods: against torch's distributions, normalised, and finite where float32 is hard."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Laplace, Normal
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from runner.config import CategoricalConfig, LikelihoodConfig, ScaledConfig
from runner.errors import UsageError
from runner.model.likelihood import LIKELIHOODS, Likelihood, build_likelihood

BERNOULLI = LikelihoodConfig("bernoulli")
CONTINUOUS = LikelihoodConfig("continuous_bernoulli")


def scaled(
    name: str = "gaussian", scale: float = 0.1, *, learned: bool = False, mean: str = "logistic"
) -> ScaledConfig:
    return ScaledConfig(name, scale, learned, mean)


CONFIGS = [
    BERNOULLI,
    CONTINUOUS,
    scaled(),
    scaled("laplace"),
    scaled(mean="linear"),
    scaled(learned=True),
    CategoricalConfig("categorical", 4),
]


def double(config: LikelihoodConfig) -> Likelihood:
    return build_likelihood(config).double()


def logits_and_images(channels: int = 2, outputs: int = 2) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(5, outputs, 3, 4, generator=source, dtype=torch.float64) * 4
    return logits, torch.rand(5, channels, 3, 4, generator=source, dtype=torch.float64)


def log_density(likelihood: Likelihood, logit: float, pixels: Tensor) -> Tensor:
    """log p of each pixel, as images of one pixel."""
    output = torch.full_like(pixels, logit)[:, None, None, None]
    return likelihood.log_prob(output, pixels[:, None, None, None])


def test_bernoulli_is_the_bernoulli():
    logits, images = logits_and_images()
    expected = Bernoulli(logits=logits).log_prob(images.round()).sum((1, 2, 3))
    torch.testing.assert_close(double(BERNOULLI).log_prob(logits, images.round()), expected)
    torch.testing.assert_close(double(BERNOULLI).mean(logits), torch.sigmoid(logits))


def test_continuous_bernoulli_is_the_continuous_bernoulli():
    logits, images = logits_and_images()
    theirs = TorchContinuousBernoulli(logits=logits, lims=(0.4999, 0.5001))
    ours = double(CONTINUOUS)
    expected = theirs.log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(ours.log_prob(logits, images), expected, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(ours.mean(logits), theirs.mean, atol=1e-7, rtol=1e-7)


def test_continuous_bernoulli_in_float32_keeps_the_digits_of_float64():
    """Also where the closed form divides zero by zero, where the two forms meet, and far out."""
    logits = torch.tensor([0, 1e-8, 1e-4, 0.01, 0.1, 0.4999, 0.5, 0.5001, 1, 5, 20, 50, 500, 1e4])
    output = torch.cat([logits, -logits]).reshape(-1, 1, 1, 1).requires_grad_()
    exact = output.detach().double().requires_grad_()
    likelihood = build_likelihood(CONTINUOUS)
    for form in (lambda o: likelihood.log_prob(o, torch.full_like(o, 0.25)), likelihood.mean):
        torch.testing.assert_close(form(output).double(), form(exact), atol=3e-7, rtol=1e-6)
        (slope,) = torch.autograd.grad(form(output).sum(), output)
        (exact_slope,) = torch.autograd.grad(form(exact).sum(), exact)
        torch.testing.assert_close(slope.double(), exact_slope, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("logit", [0.0, 0.3, 0.49, 0.51, -2.0, 9.0])
def test_continuous_bernoulli_gradient_and_mean_agree(logit: float):
    """The slope of log p in the logit is x - E[x], as in any exponential family."""
    output = torch.tensor(logit, dtype=torch.float64).reshape(1, 1, 1, 1).requires_grad_()
    likelihood = double(CONTINUOUS)
    log_px_z = likelihood.log_prob(output, torch.full_like(output, 0.7))
    (slope,) = torch.autograd.grad(log_px_z.sum(), output)
    torch.testing.assert_close(slope, 0.7 - likelihood.mean(output), atol=1e-10, rtol=0)


@pytest.mark.parametrize(("name", "distribution"), [("gaussian", Normal), ("laplace", Laplace)])
@pytest.mark.parametrize(
    ("mean", "to_mean"), [("logistic", torch.sigmoid), ("linear", Tensor.clone)]
)
@pytest.mark.parametrize("learned", [False, True])
def test_scaled_pixels_are_torchs(name, distribution, mean, to_mean, learned):
    logits, images = logits_and_images()
    likelihood = double(scaled(name, 0.3, learned=learned, mean=mean))
    expected = distribution(to_mean(logits), 0.3).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(likelihood.log_prob(logits, images), expected, atol=0, rtol=1e-6)
    torch.testing.assert_close(likelihood.mean(logits), to_mean(logits))


def test_categorical_is_the_categorical():
    """Two channels of three levels: the output holds the three logits of a channel together."""
    logits, images = logits_and_images(channels=2, outputs=6)
    likelihood = double(CategoricalConfig("categorical", 3))
    theirs = Categorical(logits=logits.reshape(5, 2, 3, 3, 4).movedim(2, -1))
    expected = theirs.log_prob((images * 2).round()).sum((1, 2, 3))
    torch.testing.assert_close(likelihood.log_prob(logits, images), expected)
    greys = torch.tensor([0, 0.5, 1], dtype=torch.float64)
    torch.testing.assert_close(likelihood.mean(logits), theirs.probs @ greys)


@pytest.mark.parametrize("levels", [2, 5, 16, 256])
def test_categorical_round_trip(levels: int):
    """An output that is sure of every pixel's level gives the image back, at log p = 0."""
    likelihood = double(CategoricalConfig("categorical", levels))
    pixels = torch.arange(levels, dtype=torch.float64) / (levels - 1)
    image = pixels.repeat(2, 3, 2, 1)  # two images of three channels
    one_hot = torch.eye(levels, dtype=torch.float64).repeat(3, 1)[:, None].repeat(2, 1, 2, 1)
    assert one_hot.shape == (2, likelihood.channels(3), 2, levels)
    torch.testing.assert_close(likelihood.mean(1e4 * one_hot), image)
    zero = torch.zeros(2, dtype=torch.float64)
    torch.testing.assert_close(likelihood.log_prob(1e4 * one_hot, image), zero)


def test_categorical_probabilities_sum_to_one_and_the_nearest_level_counts():
    logits = torch.randn(1, 4, 1, 1, dtype=torch.float64)
    likelihood = double(CategoricalConfig("categorical", 4))

    def log_p(pixel: float) -> Tensor:
        return likelihood.log_prob(logits, torch.full((1, 1, 1, 1), pixel, dtype=torch.float64))

    total = sum(log_p(level / 3).exp() for level in range(4))
    torch.testing.assert_close(total, torch.ones(1, dtype=torch.float64))
    assert log_p(0.3) == log_p(1 / 3) == log_p(0.49)
    assert log_p(0.51) == log_p(2 / 3)


@pytest.mark.parametrize("logit", [-30.0, -1.5, -0.5, 0.0, 0.4, 0.5, 4.0, 30.0])
def test_continuous_bernoulli_integrates_to_one_over_a_pixel(logit: float):
    pixels = torch.linspace(0, 1, 40_001, dtype=torch.float64)
    density = log_density(double(CONTINUOUS), logit, pixels).exp()
    assert torch.trapezoid(density, pixels).item() == pytest.approx(1, abs=1e-6)
    first_moment = torch.trapezoid(density * pixels, pixels).item()
    output = torch.tensor(logit, dtype=torch.float64).reshape(1, 1, 1, 1)
    assert first_moment == pytest.approx(double(CONTINUOUS).mean(output).item(), abs=1e-6)


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_scaled_pixels_integrate_to_one_over_the_line(name: str, scale: float):
    pixels = torch.linspace(-30 * scale, 1 + 30 * scale, 40_001, dtype=torch.float64)
    density = log_density(double(scaled(name, scale)), 0.8, pixels).exp()
    assert torch.trapezoid(density, pixels).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_gradients_are_finite_at_extreme_outputs_in_float32(config: LikelihoodConfig):
    likelihood = build_likelihood(config)
    output = torch.tensor([-50.0, 0, 50]).repeat(8 * 4).reshape(24, 4, 1, 1)
    output = output[:, : likelihood.channels(1)].clone().requires_grad_()
    for grey in (0.0, 0.5, 1.0):
        log_px_z = likelihood.log_prob(output, torch.full((24, 1, 1, 1), grey))
        assert log_px_z.isfinite().all()
        for tensor in (output, *likelihood.parameters()):
            (slope,) = torch.autograd.grad(log_px_z.sum(), tensor, retain_graph=True)
            assert slope.isfinite().all()
    (slope,) = torch.autograd.grad(likelihood.mean(output).sum(), output)
    assert slope.isfinite().all()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_shapes_and_range(config: LikelihoodConfig):
    likelihood = build_likelihood(config)
    assert likelihood.channels(3) == (12 if config.name == "categorical" else 3)
    output = torch.randn(6, likelihood.channels(3), 4, 5)
    images = torch.rand(6, 3, 4, 5)
    assert likelihood.log_prob(output, images).shape == (6,)
    mean = likelihood.mean(output)
    assert mean.shape == images.shape
    if getattr(config, "mean", "") == "linear":
        assert mean is output
    else:
        assert mean.min() >= 0
        assert mean.max() <= 1


@pytest.mark.parametrize(("name", "spread"), [("gaussian", 0.25), ("laplace", 0.15)])
def test_learned_scale_settles_at_the_spread_of_the_residual(name: str, spread: float):
    """Maximum likelihood: root mean square for the normal, mean distance for the Laplace."""
    residual = torch.tensor([0.3, -0.1, 0.2, 0.0], dtype=torch.float64)
    power = {"gaussian": 2, "laplace": 1}[name]
    residual *= spread / residual.abs().pow(power).mean() ** (1 / power)
    output = torch.zeros(4, 1, 1, 1, dtype=torch.float64)
    images = residual[:, None, None, None]

    def slope_at(scale: float) -> float:
        likelihood = double(scaled(name, 1.0, learned=True, mean="linear"))
        (parameter,) = likelihood.parameters()
        parameter.data.fill_(math.log(scale))
        (slope,) = torch.autograd.grad(likelihood.log_prob(output, images).sum(), parameter)
        return slope.item()

    assert slope_at(spread) == pytest.approx(0, abs=1e-12)
    assert slope_at(0.9 * spread) > 0.1
    assert slope_at(1.1 * spread) < -0.1


def test_a_learned_scale_is_saved_and_a_fixed_one_is_not():
    learned = build_likelihood(scaled(scale=0.2, learned=True))
    fixed = build_likelihood(scaled(scale=0.2))
    assert [parameter.shape for parameter in learned.parameters()] == [()]
    assert learned.state_dict()["log_scale"].item() == pytest.approx(math.log(0.2))
    assert not list(fixed.parameters())
    assert not fixed.state_dict()

    other = build_likelihood(scaled(scale=0.7, learned=True))
    other.load_state_dict(learned.state_dict())
    output, images = torch.randn(2, 3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    for twin in (other, fixed, copy.deepcopy(learned), copy.deepcopy(fixed)):
        torch.testing.assert_close(
            twin.log_prob(output[0], images), learned.log_prob(output[0], images)
        )


@pytest.mark.parametrize("scale", [0.0, -0.1, math.inf, math.nan])
@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_a_scale_that_is_not_positive_is_refused(name: str, scale: float):
    with pytest.raises(UsageError) as error:
        build_likelihood(scaled(name, scale))
    assert error.value.message == f"likelihood.scale must be a positive number, got {scale}"


def test_an_unknown_mean_is_refused():
    with pytest.raises(UsageError) as error:
        build_likelihood(scaled(mean="logit"))
    assert error.value.message == "likelihood.mean must be one of logistic, linear, got 'logit'"
    assert error.value.hint == "did you mean 'logistic'?"


@pytest.mark.parametrize("levels", [1, 257, -3])
def test_too_few_or_too_many_levels_are_refused(levels: int):
    with pytest.raises(UsageError) as error:
        build_likelihood(CategoricalConfig("categorical", levels))
    assert error.value.message == f"likelihood.levels must be between 2 and 256, got {levels}"


def test_an_unknown_likelihood_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as error:
        build_likelihood(LikelihoodConfig("bernouli"))
    assert error.value.message == "unknown likelihood 'bernouli'"
    assert error.value.hint == "did you mean 'bernoulli'?"
    of_counts = {"multinomial"}  # tested beside the networks of topics
    assert set(LIKELIHOODS) == {config.name for config in CONFIGS} | of_counts
