"""FactorVAE's discriminator: the gradients of its two losses, and its estimate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import DiscriminatorConfig, RunConfig
from runner.dataset import Dataset
from runner.model import build
from runner.objective import Objective
from runner.training import TrainingState
from runner.training.batch import Batch
from runner.training.discriminator import Discriminator
from runner.training.step import step

CPU = torch.device("cpu")
COLUMNS = [slice(0, 1), slice(1, 2)]


def discriminator(seed: int = 0, *, rate: float = 1e-2) -> Discriminator:
    return Discriminator.fresh(DiscriminatorConfig(1.0, [32, 32], rate), 2, seed, CPU)


def parameters(discriminator: Discriminator) -> Tensor:
    return torch.cat([p.detach().flatten() for p in discriminator.network.parameters()])


def correlated(count: int, correlation: float, source: torch.Generator) -> Tensor:
    z = torch.randn(count, 2, generator=source)
    second = correlation * z[:, 0] + (1 - correlation**2) ** 0.5 * z[:, 1]
    return torch.stack([z[:, 0], second], dim=1)


def test_the_seed_alone_decides_the_first_parameters():
    before = torch.random.get_rng_state()
    first = discriminator(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(5)
    assert torch.equal(parameters(first), parameters(discriminator(3)))
    assert not torch.equal(parameters(first), parameters(discriminator(4)))


def test_the_optimizer_is_that_of_the_source():
    assert discriminator().optimizer.betas == (0.5, 0.9)
    assert discriminator(rate=0.3).optimizer.learning_rate == 0.3


def test_the_estimate_has_a_gradient_for_z_and_none_for_the_discriminator():
    critic, z_BW = discriminator(), torch.randn(16, 2, requires_grad=True)
    critic.total_correlation(z_BW).backward()
    assert z_BW.grad is not None
    assert z_BW.grad.abs().sum() > 0
    assert all(p.grad is None for p in critic.network.parameters())


def test_learning_has_no_gradient_for_z():
    critic, z_BW = discriminator(), torch.randn(16, 2, requires_grad=True)
    before = parameters(critic)
    loss = critic.learn(z_BW, z_BW * 1.5, COLUMNS, torch.rand(16, 2))
    assert z_BW.grad is None
    assert not loss.requires_grad
    assert not torch.equal(parameters(critic), before)


def test_learning_discards_earlier_gradients():
    """The optimizer uses the gradient of one minibatch."""
    one, other = discriminator(), discriminator()
    z_BW, noise_BV = torch.randn(16, 2), torch.rand(16, 2)
    for parameter in other.network.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    one.learn(z_BW, z_BW, COLUMNS, noise_BV)
    other.learn(z_BW, z_BW, COLUMNS, noise_BV)
    assert torch.equal(parameters(one), parameters(other))


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 0.0), (0.9, 0.830)])
def test_the_estimate_tends_to_the_total_correlation(correlation: float, expected: float):
    """The total correlation of normals is -1/2 log(1 - r^2)."""
    source, critic = torch.Generator().manual_seed(0), discriminator()
    for _ in range(400):
        first, second = (correlated(256, correlation, source) for _ in range(2))
        critic.learn(first, second, COLUMNS, torch.rand(256, 2, generator=source))
    estimate = float(critic.total_correlation(correlated(4000, correlation, source)).detach())
    assert estimate == pytest.approx(expected, abs=0.15)


def test_a_step_gives_the_encoder_the_estimate_s_gradient_and_the_discriminator_none(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed(
        "objective=factor_vae", "architecture=mlp", "architecture.widths=[8]",
        "prior.dimensions=2", "objective.penalties.discriminator.widths=[8]",
    )  # fmt: skip
    model = build(config, shape=toy_dataset.shape, classes=4)
    state = TrainingState.fresh(model, config)
    objective = Objective.from_config(config, model.latents.tree, 256)
    images = toy_dataset.kind.to_input(toy_dataset.train.images(torch.arange(32)))
    batch = Batch(images, images, model.latents.noise(32, torch.Generator().manual_seed(0)))
    assert state.discriminator is not None
    result = step(
        model,
        objective.plan,
        objective.weights(0),
        batch,
        with_terms=False,
        discriminator=state.discriminator,
    )
    expected = result.reconstruction + result.rate + 35 * result.penalties["discriminator"]
    torch.testing.assert_close(result.loss, expected)
    result.penalties["discriminator"].backward()
    assert all(p.grad is None for p in state.discriminator.network.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoder.parameters())
    assert all(p.grad is None for p in model.decoder.parameters())
