"""I(x; c) at a category that was drawn: its value is right, and its gradient is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.model import build
from runner.objective import Objective, decompose

IMAGES, DRAWS = 24, 300
MODEL = ("dataset=digits", "architecture=mlp", "architecture.widths=[8]", "objective=hfvae",
         "prior=concrete_normal", "prior.categories=4", "prior.dimensions=2")  # fmt: skip


@pytest.mark.parametrize("conditional", ["false", "true"])
def test_a_draw_does_not_tell_the_encoder_how_to_inform(
    composed: Callable[..., RunConfig], conditional: str
):
    def mean_of_draws(density: str, draws: int) -> tuple[float, Tensor]:
        config = composed(
            *MODEL, f"objective.concrete_density={density}",
            f"architecture.conditional={conditional}",
        )  # fmt: skip
        torch.manual_seed(0)
        model = build(config, shape=(1, 4, 4), classes=4)
        weights = [p for p in model.encoder.parameters() if p.ndim == 2]
        with torch.no_grad():
            for weight in weights:
                weight.mul_(4)
        images = torch.rand(IMAGES, 1, 4, 4, generator=torch.Generator().manual_seed(1))
        plan = Objective.from_config(config, model.latents.tree, 1000).plan
        latents, total, gradient = model.bind_latents(), 0.0, torch.zeros(())
        for draw in range(draws):
            parameters = model.encode(images)
            noise = latents.noise(IMAGES, torch.Generator().manual_seed(draw))
            z = latents.sample(parameters, noise)
            estimated, own = latents.at_draw(parameters, z)
            found = decompose(
                estimated.densities(z, own, own),
                parameters.new_zeros(()),
                plan.encoding_weights(IMAGES, None, z),
            )
            information = found.group_information_G[0]
            parts = torch.autograd.grad(information, weights)
            gradient = gradient + torch.cat([part.flatten() for part in parts]) / draws
            total += float(information.detach()) / draws
        return total, gradient

    exact, expected = mean_of_draws("exact", 20)
    drawn, found = mean_of_draws("drawn", DRAWS)
    assert drawn == pytest.approx(exact, abs=0.05)
    assert found.norm() < 0.25 * expected.norm()
