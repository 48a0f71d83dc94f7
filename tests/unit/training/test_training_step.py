"""One step: its gradient against finite differences in float64, and the terms that it skips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch

from runner.config import RunConfig
from runner.model import VAE, build
from runner.objective import Objective, decompose, log_mixture_weights
from runner.training.batch import Batch
from runner.training.step import StepOutput, step

CASES = [
    ("objective=vae", "prior=normal"),
    ("objective=beta_vae", "prior=normal"),
    ("objective=beta_tcvae", "prior=normal"),
    ("objective=hfvae", "prior=normal"),
    ("objective=hfvae", "prior=concrete_normal"),
    ("objective=beta_vae", "prior=concrete_normal", "++objective.group_information={category: -5}"),
    ("objective=hfvae", "prior=concrete_normal", "++objective.group_rate={style: 8}"),
    (
        "objective=beta_vae",
        "prior=mixture",
        "prior.groups={a: [z_0, z_2], b: [z_1, z_3]}",
        "++objective.group_rate={a: 2}",
    ),
    ("objective=hfvae", "prior=correlated"),
    ("objective=hfvae", "prior=mixture", "prior.learned=true"),
    ("objective=hfvae", "prior.groups={a: {b: [z_0, z_1], c: [z_2]}, d: [z_3]}"),
    ("objective=hfvae", "++prior.discrete={on: bernoulli, shape: 3}"),
]


def small_model(config: RunConfig) -> tuple[VAE, Objective]:
    """A float64 model of 2x2 images with smooth activations, for finite differences."""
    model = build(config, shape=(1, 2, 2), classes=3).double()
    for network in (model.encoder, model.decoder):
        for name, module in network.named_children():
            if isinstance(module, torch.nn.ReLU):
                setattr(network, name, torch.nn.Tanh())
    return model, Objective.from_config(config, model.latents.tree, 50)


def stepped(model: VAE, objective: Objective, batch: Batch, *, with_terms: bool) -> StepOutput:
    """Return the first step of a run."""
    return step(model, objective.plan, objective.weights(0), batch, with_terms=with_terms)


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
    noise = model.latents.noise(6, source).double()

    def loss() -> torch.Tensor:
        return step(
            model,
            objective.plan,
            objective.weights(0),
            Batch(images, images, noise),
            with_terms=False,
        ).loss

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


def test_beta_vae_computes_terms_only_if_requested(
    composed: Callable[..., RunConfig],
):
    model, objective = small_model(composed("architecture=mlp", "objective=beta_vae"))
    images, source = torch.rand(6, 1, 2, 2), torch.Generator().manual_seed(0)
    model.float()
    noise = model.latents.noise(6, source)
    without = step(
        model, objective.plan, objective.weights(0), Batch(images, images, noise), with_terms=False
    )
    with_terms = step(
        model, objective.plan, objective.weights(0), Batch(images, images, noise),
        with_terms=True, plain=True,
    )  # fmt: skip
    assert without.decomposition is None
    assert with_terms.decomposition is not None
    assert not with_terms.decomposition.terms.index_code_mi.requires_grad
    assert torch.equal(without.loss, with_terms.loss)


def test_requested_terms_do_not_change_the_gradient(composed: Callable[..., RunConfig]):
    model, objective = small_model(composed("architecture=mlp", "objective=vae"))
    model.float()
    images, noise = torch.rand(6, 1, 2, 2), model.latents.noise(6, torch.Generator().manual_seed(0))
    gradients = []
    for with_terms in (False, True):
        model.zero_grad()
        step(
            model,
            objective.plan,
            objective.weights(0),
            Batch(images, images, noise),
            with_terms=with_terms,
        ).loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert torch.equal(*gradients)


CONDITIONAL = ("prior=concrete_normal", "architecture.conditional=true")


@pytest.mark.parametrize(
    "overrides",
    [
        ("prior=normal",), ("prior=concrete_normal",), ("prior=correlated",), CONDITIONAL,
        (*CONDITIONAL, "objective.concrete_density=drawn"),
    ],
)  # fmt: skip
def test_chunks_of_rows_give_the_whole_minibatch(
    composed: Callable[..., RunConfig], overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    config = composed("architecture=mlp", "objective=hfvae", *overrides)
    model, objective = small_model(config)
    model.float()
    images, noise = torch.rand(7, 1, 2, 2), model.latents.noise(7, torch.Generator().manual_seed(0))
    whole = step(
        model, objective.plan, objective.weights(0), Batch(images, images, noise),
        with_terms=True, plain=True,
    )  # fmt: skip
    monkeypatch.setattr("runner.training.weighted_terms._CACHED_PAIRS", 2 * 7 * model.latents.width)
    parts = step(
        model, objective.plan, objective.weights(0), Batch(images, images, noise),
        with_terms=True, plain=True,
    )  # fmt: skip
    assert whole.decomposition is not None
    assert parts.decomposition is not None
    for name in ("levels_L", "variable_information_V", "group_information_G"):
        torch.testing.assert_close(
            getattr(parts.decomposition, name), getattr(whole.decomposition, name),
            atol=1e-5, rtol=1e-4,
        )  # fmt: skip
    torch.testing.assert_close(
        parts.decomposition.terms.stack(), whole.decomposition.terms.stack(), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(parts.loss, whole.loss, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("overrides", [*CASES, (*CASES[4], "objective.concrete_density=argmax")])
def test_a_step_has_the_loss_and_gradient_of_the_plain_estimate(
    composed: Callable[..., RunConfig],
    overrides: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("runner.training.weighted_terms._LEAST_SWEPT", 0)
    model, objective = small_model(composed("architecture=mlp", "prior.dimensions=4", *overrides))
    source = torch.Generator().manual_seed(1)
    images = torch.rand(5, 1, 2, 2, generator=source).double()
    batch = Batch(images, images, model.latents.noise(5, source).double())
    found: list[tuple[torch.Tensor, ...]] = []
    for plain in (True, False):
        weights_S = objective.weights(3)
        loss = step(model, objective.plan, weights_S, batch, with_terms=False, plain=plain).loss
        found.append((loss, *torch.autograd.grad(loss, list(model.parameters()))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("plain", [True, False])
def test_the_memory_bank_extends_the_encodings_of_sets_of_variables(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch, *, plain: bool
):
    """As in a larger minibatch of which the first few images are sampled.

    Single variables are estimated from the minibatch alone.
    """
    monkeypatch.setattr("runner.training.weighted_terms._LEAST_SWEPT", 0)
    model, objective = small_model(composed("architecture=mlp", "objective=hfvae"))
    model.float()
    images, noise = (
        torch.rand(12, 1, 2, 2),
        model.latents.noise(4, torch.Generator().manual_seed(0)),
    )
    batch = Batch(
        images[:4],
        images[:4],
        noise,
        bank_KP=model.encode(images[4:]).detach(),
        is_held_K=torch.ones(8),
    )
    weights_S = objective.weights(0)
    result = step(model, objective.plan, weights_S, batch, with_terms=True, plain=plain)
    numbers, z = model.encode(images), result.z_BW
    densities = model.latents.densities(z, numbers[:4], numbers)
    weights = log_mixture_weights(4, 12, 50, like=z)
    together = decompose(densities, result.reconstruction, weights)
    alone = decompose(
        model.latents.densities(z, numbers[:4], numbers[:4]),
        result.reconstruction,
        log_mixture_weights(4, 4, 50, like=z),
    )
    got = result.decomposition
    assert got is not None
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    close(got.terms.index_code_mi, together.terms.index_code_mi)
    close(got.group_information_G, together.group_information_G)
    close(got.terms.dimension_wise_kl, alone.terms.dimension_wise_kl)
    close(got.variable_information_V, alone.variable_information_V)
    close(got.terms.stack().sum(), together.terms.stack().sum())


@pytest.mark.parametrize("density", ["exact", "drawn", "argmax"])
@pytest.mark.parametrize("draws", ["relaxed", "hard"])
@pytest.mark.parametrize("head", ["separate", "shared"])
def test_a_conditional_posterior_has_a_gradient_everywhere(
    composed: Callable[..., RunConfig], density: str, draws: str, head: str
):
    config = composed(
        "architecture=mlp", "architecture.widths=[9,7]", "objective=hfvae", *CONDITIONAL,
        "prior.categories=3", "++prior.discrete={on: bernoulli}", "prior.dimensions=2",
        f"objective.concrete_density={density}", f"objective.concrete_draws={draws}",
        f"architecture.conditional_head={head}", "++objective.group_rate={style: 2}",
    )  # fmt: skip
    model, objective = small_model(config)
    source = torch.Generator().manual_seed(1)
    images = torch.rand(5, 1, 2, 2, generator=source).double()
    noise = model.latents.noise(5, source).double()
    for bank in (None, model.latents.encoding_width):
        places = None if bank is None else torch.randn(6, bank, generator=source).double()
        held = None if places is None else torch.tensor([1, 1, 0, 1, 1, 0]).double()
        batch = Batch(images, images, noise, bank_KP=places, is_held_K=held)
        found = step(model, objective.plan, objective.weights(0), batch, with_terms=True)
        gradients = torch.autograd.grad(found.loss, list(model.parameters()))
        assert all(bool(g.isfinite().all()) and bool(g.abs().sum() > 0) for g in gradients)
        assert found.parameters_BP.shape == (5, model.latents.encoding_width)
        assert found.rate is not None
        terms = found.decomposition.terms.stack() if found.decomposition else torch.zeros(())
        assert terms.isfinite().all()
