"""A weight on the rate of every group is a weight on the rate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.model import build
from runner.objective import Objective
from runner.training.batch import Batch
from runner.training.step import step

SMALL = ("dataset=digits", "architecture=mlp", "architecture.widths=[6]", "prior.dimensions=4")
PRIORS = {
    "prior=normal": ("z_0-1", "z_2-3"),
    "prior=concrete_normal": ("category", "style"),
}


def loss_and_gradient(config: RunConfig) -> tuple[torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(0)
    model = build(config, shape=(1, 4, 4), classes=3).double()
    source = torch.Generator().manual_seed(1)
    images = torch.rand(6, 1, 4, 4, generator=source, dtype=torch.float64)
    noise = model.latents.noise(6, source).double()
    objective = Objective.from_config(config, model.latents.tree, 60)
    batch = Batch(images, images, noise)
    weights_S = objective.weights(3)
    loss = step(model, objective.plan, weights_S, batch, with_terms=False).loss
    return loss.detach(), list(torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize("weight", [0.5, 3.0])
@pytest.mark.parametrize("prior", PRIORS)
def test_a_weight_on_the_rate_of_all_groups_is_added_to_beta(
    composed: Callable[..., RunConfig], prior: str, weight: float
):
    """beta-VAE at beta = 1 + w: the same loss and gradient, with a schedule as with a number."""
    beta_vae = composed(*SMALL, prior, "objective=beta_vae", f"beta={1 + weight}")
    expected, gradient = loss_and_gradient(beta_vae)
    # A way down from 5 w that is at w after three steps.
    plan = f"{{linear: {{from: {5 * weight}, to: {weight}, over: 3}}}}"
    words = ", ".join(f"{name}: {plan}" for name in PRIORS[prior])
    rated = composed(*SMALL, prior, "objective=vae", f"++objective.group_rate={{{words}}}")
    found, own = loss_and_gradient(rated)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(own, gradient, rtol=0, atol=1e-10)
