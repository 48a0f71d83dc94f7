"""What the players and the encoder of a GAN minimise, against the formulas as they are written."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.method.adversarial_losses import (
    discriminator_loss,
    generator_loss,
    information_bounds,
    squared_gradient,
)
from runner.model import LatentSpace
from runner.model.build_latent_space import build_latent_space


@pytest.fixture(name="latents")
def two_kinds(composed: Callable[..., RunConfig]) -> LatentSpace:
    """Two discrete variables and two normal ones."""
    prior = composed(
        "dataset=digits",
        "prior=concrete_normal",
        "prior.categories=3",
        "++prior.discrete={glasses: 0.2}",
        "prior.dimensions=2",
    ).prior
    return build_latent_space(
        prior,
        shape=(1, 8, 8),
        classes=10,
        concrete_density="argmax",
        images=lambda: torch.zeros(0),
    )


def test_the_players_have_the_logistic_losses():
    real_B = torch.tensor([0.3, -2.0], dtype=torch.double)
    generated_B = torch.tensor([1.2, -0.4], dtype=torch.double)
    real, generated = torch.sigmoid(real_B), torch.sigmoid(generated_B)
    wanted = -real.log().mean() - (1 - generated).log().mean()
    torch.testing.assert_close(discriminator_loss(real_B, generated_B), wanted)
    torch.testing.assert_close(generator_loss(generated_B), -generated.log().mean())


def test_the_squared_gradient_is_that_of_each_image_and_can_be_minimised():
    weight = nn.Parameter(torch.tensor([[2.0, -1.0]], dtype=torch.double))
    images_BCHW = torch.tensor([[1.0, 2.0], [3.0, 0.5]], dtype=torch.double).view(2, 1, 1, 2)

    def score(x: Tensor) -> Tensor:
        return (x.flatten(1) @ weight.T)[:, 0].square()

    square = squared_gradient(score, images_BCHW)
    # The gradient of (w x)^2 is 2 (w x) w: here w x is 0 and 5.5, and |w|^2 is 5.
    assert square.item() == pytest.approx(4 * 5.5**2 * 5 / 2)
    square.backward()
    assert weight.grad is not None
    assert weight.grad.abs().min() > 0


def test_the_bounds_are_the_log_densities_less_those_of_the_prior(latents: LatentSpace):
    source = torch.Generator().manual_seed(0)
    z_BW = torch.tensor([[0, 1, 0, 1, 0.5, -1], [1, 0, 0, 0, 2, 0.1]], dtype=torch.double)
    parameters_BP = torch.randn(2, 8, generator=source, dtype=torch.double)
    discrete, continuous = information_bounds(latents, z_BW, parameters_BP)
    wanted = [[0.0, 0.0], [0.0, 0.0]]
    for i, (row, numbers) in enumerate(zip(z_BW.tolist(), parameters_BP.tolist(), strict=True)):
        chosen = row[:3].index(1)
        log_q = numbers[chosen] - math.log(sum(math.exp(n) for n in numbers[:3]))
        wanted[0][i] += log_q + math.log(3)
        one = 1 / (1 + math.exp(-numbers[3]))
        own, prior = (one, 0.2) if row[3] else (1 - one, 0.8)
        wanted[0][i] += math.log(own) - math.log(prior)
        for z, loc, log_scale in zip(row[4:], numbers[4:6], numbers[6:], strict=True):
            wanted[1][i] += -0.5 * ((z - loc) / math.exp(log_scale)) ** 2 - log_scale + z * z / 2
    assert discrete.item() == pytest.approx(sum(wanted[0]) / 2, abs=1e-10)
    assert continuous.item() == pytest.approx(sum(wanted[1]) / 2, abs=1e-10)


def test_a_code_that_is_known_has_the_entropy_of_its_categories(latents: LatentSpace):
    z_BW = torch.tensor([[0, 1, 0, 1, 0.0, 0.0]])
    parameters_BP = torch.tensor([[-99.0, 99, -99, 99, 0, 0, 0, 0]])
    discrete, continuous = information_bounds(latents, z_BW, parameters_BP)
    assert discrete.item() == pytest.approx(math.log(3) - math.log(0.2), rel=1e-6)
    assert continuous.item() == 0  # q is the prior itself
