"""Where objectives meet: one loss and one gradient under several names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.model import build
from runner.objective import Objective
from runner.training.batch import Batch
from runner.training.discriminator import Discriminator
from runner.training.memory_bank import MemoryBank
from runner.training.step import step

IMAGES, BATCH = 60, 6
SMALL = (
    "dataset=digits",
    "architecture=mlp",
    "architecture.widths=[6]",
    "objective.penalties.discriminator.widths=[5]",
    "objective.penalties.contraction.estimate=exact",
)


def loss_and_gradient(config: RunConfig, *, empty_bank: int = 0) -> tuple[Tensor, Tensor]:
    """Return both on one minibatch, with parameters and noise that depend on the prior alone."""
    source = torch.Generator().manual_seed(0)
    model = build(config, shape=(1, 4, 4), classes=3).double()
    objective = Objective.from_config(config, model.latents.tree, IMAGES)
    images = torch.rand(BATCH, 1, 4, 4, generator=source, dtype=torch.float64)
    with torch.no_grad():  # encodings far apart: else no estimate of q(z) would matter
        model.encoder[-1].weight.div_(model.encode(images).std(0)[:, None])
    uniforms = model.latents.uniform_count if model.latents.has_density else 0
    bank = MemoryBank.empty(empty_bank, model.latents.parameter_count, torch.device("cpu"))
    batch = Batch(
        images,
        images,
        model.latents.noise(BATCH, source).double(),
        bank_KP=bank.encodings_KP.double() if empty_bank else None,
        is_held_K=bank.is_held().double() if empty_bank else None,
        uniform_BU=torch.rand(BATCH, uniforms, generator=source, dtype=torch.float64),
    )
    settings = config.objective.penalties.discriminator
    discriminator = Discriminator.fresh(settings, model.latents.width, 0, torch.device("cpu"))
    discriminator.network.double()
    loss = step(
        model,
        objective.plan,
        objective.weights(7),
        batch,
        with_terms=False,
        discriminator=discriminator,
    ).loss
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return loss.detach(), torch.cat([part.flatten() for part in parts])


VAE = [
    "objective=beta_vae beta=1",
    "objective=beta_tcvae alpha=1 beta=1 gamma=1",
    "objective=hfvae alpha=1 beta=1 gamma=1",
    "objective=factor_vae gamma=0",
    "objective=info_vae alpha=0 beta=1",
    "objective=decomposition beta=1 alpha=0",
    "objective=decomposition_kl beta=1 alpha=0",
    "objective=corex alpha=0",
    "objective=dip_vae_i beta=0",
    "objective=dip_vae_ii beta=0",
]
PAIRS = [
    *(("objective=vae", other) for other in VAE),
    ("objective=beta_tcvae beta=5", "objective=hfvae beta=5 gamma=5"),
    ("objective=beta_tcvae beta=5", "objective=hfvae beta=5 gamma=99 prior.group_size=1"),
    (
        "objective=beta_vae beta=3",
        "objective=hfvae alpha=3 beta=3 gamma=3 objective.weights.dimension_wise_kl=3",
    ),
    ("objective=beta_vae beta=3", "objective=decomposition beta=3 alpha=0"),
    ("objective=beta_vae beta=30", "objective=annealed_vae gamma=30 beta=0"),
    ("objective=ae", "objective=denoising_ae objective.corruption.amount=0"),
    ("objective=ae prior=sigmoid_code", "objective=sparse_ae beta=0"),
    ("objective=ae prior=sigmoid_code", "objective=contractive_ae beta=0"),
    (
        "objective=hfvae prior=nested beta=6 gamma=2",
        "objective=hfvae prior=nested beta=6 gamma=9 objective.levels=[2,2]",
    ),
    (
        "objective=hfvae beta=6",
        "objective=hfvae beta={linear:{from:6,to:6,over:10}}",
    ),
    # A schedule hides that all weights are one, so that here the terms are estimated.
    ("objective=vae", "objective=hfvae gamma=1 beta={linear:{from:1,to:1,over:10}}"),
    ("objective=beta_vae beta=3", "objective=beta_vae beta={linear:{from:3,to:3,over:10}}"),
    (
        "objective=hfvae beta=6",
        "objective=hfvae beta={linear:{from:2.5,to:7.5,over:10}}",  # at step 7 it is 6
    ),
    ("prior=normal objective=hfvae", "prior=correlated prior.correlation=0 objective=hfvae"),
    (
        "prior=normal objective=hfvae prior.dimensions=2",
        "prior=anisotropic objective=hfvae prior.dimensions=2 prior.variances=[1,1]",
    ),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_names_of_one_loss(composed: Callable[..., RunConfig], one: str, other: str):
    first, second = (loss_and_gradient(composed(*SMALL, *words.split())) for words in (one, other))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("prior", ["normal", "concrete_normal", "nested"])
def test_a_bank_in_which_nothing_is_held_changes_nothing(
    composed: Callable[..., RunConfig], prior: str
):
    config = composed(*SMALL, "objective=hfvae", f"prior={prior}")
    torch.testing.assert_close(loss_and_gradient(config, empty_bank=9), loss_and_gradient(config))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("objective=vae", "objective=beta_vae beta=1.01"),
        ("objective=beta_tcvae beta=5", "objective=hfvae beta=5 gamma=4"),
        ("objective=vae", "objective=corex alpha=-0.01"),
        ("objective=ae", "objective=ae prior=sigmoid_code"),
    ],
)
def test_neighbours_that_do_not_meet_are_told_apart(
    composed: Callable[..., RunConfig], one: str, other: str
):
    first, second = (loss_and_gradient(composed(*SMALL, *words.split())) for words in (one, other))
    assert not torch.allclose(first[1], second[1], rtol=1e-6)
