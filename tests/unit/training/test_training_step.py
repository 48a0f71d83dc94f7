"""One step: its gradient against finite differences in float64, and what it costs nothing for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.model import VAE, build
from runner.objective import Objective
from runner.training.step import step

CASES = [
    ("objective=vae", "prior=normal"),
    ("objective=beta_vae", "prior=normal"),
    ("objective=beta_tcvae", "prior=normal"),
    ("objective=hfvae", "prior=normal"),
    ("objective=hfvae", "prior=concrete_normal"),
    ("objective=beta_vae", "prior=concrete_normal", "++objective.group_information={category: -5}"),
]


def small_model(config: RunConfig) -> tuple[VAE, Objective]:
    """A float64 model of 2x2 images with smooth activations, for finite differences."""
    model = build(config, shape=(1, 2, 2), classes=3).double()
    for network in (model.encoder, model.decoder):
        for name, module in network.named_children():
            if isinstance(module, torch.nn.ReLU):
                setattr(network, name, torch.nn.Tanh())
    return model, Objective.from_config(config.objective, model.prior.group_names, 50)


@pytest.mark.parametrize("overrides", CASES)
def test_gradient_is_the_finite_difference_of_the_loss(
    composed: Callable[..., RunConfig],
    overrides: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)  # stay in float64 throughout
    config = composed(
        "architecture=mlp", "architecture.widths=[5]", "prior.dimensions=4", *overrides
    )
    model, objective = small_model(config)
    source = torch.Generator().manual_seed(0)
    images = torch.rand(6, 1, 2, 2, generator=source).double()
    noise = model.prior.noise(6, source).double()

    def loss() -> torch.Tensor:
        return step(model, objective, images, noise, with_terms=False).loss

    loss().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for i in range(0, len(flat), max(1, len(flat) // 4)):
            start, width = flat[i].item(), 1e-5
            with torch.no_grad():
                flat[i] = start + width
                above = float(loss())
                flat[i] = start - width
                below = float(loss())
                flat[i] = start
            assert float(gradient[i]) == pytest.approx((above - below) / (2 * width), abs=1e-5)


def test_beta_vae_pays_nothing_for_terms_that_nobody_asked_for(
    composed: Callable[..., RunConfig],
):
    model, objective = small_model(composed("architecture=mlp", "objective=beta_vae"))
    images, source = torch.rand(6, 1, 2, 2), torch.Generator().manual_seed(0)
    model.float()
    noise = model.prior.noise(6, source)
    without = step(model, objective, images, noise, with_terms=False)
    asked = step(model, objective, images, noise, with_terms=True)
    assert without.decomposition is None
    assert asked.decomposition is not None
    assert not asked.decomposition.terms.index_code_mi.requires_grad
    assert torch.equal(without.loss, asked.loss)


def test_asking_for_terms_does_not_change_the_gradient(composed: Callable[..., RunConfig]):
    model, objective = small_model(composed("architecture=mlp", "objective=vae"))
    model.float()
    images, noise = torch.rand(6, 1, 2, 2), model.prior.noise(6, torch.Generator().manual_seed(0))
    gradients = []
    for with_terms in (False, True):
        model.zero_grad()
        step(model, objective, images, noise, with_terms=with_terms).loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert torch.equal(*gradients)
