"""Categories that are drawn: what is an exact sum all the same, and what is a mean over draws.

Shapes: B images, P parameters of q(z|x), W columns of z.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.model import VAE, build
from runner.objective import Decomposition, Objective, Plan, decompose

IMAGES, DRAWS = 24, 300
MODEL = ("dataset=digits", "architecture=mlp", "architecture.widths=[8]", "objective=hfvae",
         "prior=concrete_normal", "prior.categories=4", "prior.dimensions=2")  # fmt: skip
TWO = ("++prior.discrete={on: bernoulli}",
       "prior.groups={both: [category, on], style: [style_0, style_1]}")  # fmt: skip

Composed = Callable[..., RunConfig]


def made(composed: Composed, density: str, *further: str) -> tuple[VAE, Plan]:
    config = composed(*MODEL, f"objective.concrete_density={density}", *further)
    torch.manual_seed(0)
    model = build(config, shape=(1, 4, 4), classes=4).double()
    with torch.no_grad():
        for weight in weights_of(model):
            weight.mul_(4)
    return model, Objective.from_config(config, model.latents.tree, 1000).plan


def weights_of(model: VAE) -> list[Tensor]:
    return [parameter for parameter in model.encoder.parameters() if parameter.ndim == 2]


def images() -> Tensor:
    source = torch.Generator().manual_seed(1)
    return torch.rand(IMAGES, 1, 4, 4, generator=source).double()


def terms(model: VAE, plan: Plan, draw: int, *, plain: bool = True) -> Decomposition:
    latents = model.bind_latents()
    parameters_BP = model.encode(images())
    noise_BW = latents.noise(IMAGES, torch.Generator().manual_seed(draw)).double()
    z_BW = latents.sample(parameters_BP, noise_BW)
    estimated, own_BP = latents.at_draw(parameters_BP, z_BW)
    return decompose(
        estimated.densities(z_BW, own_BP, own_BP),
        parameters_BP.new_zeros(()),
        plan.encoding_weights(IMAGES, None, z_BW),
        plain=plain,
    )


def gradient(of: Tensor, model: VAE) -> Tensor:
    parts = torch.autograd.grad(of, weights_of(model))
    return torch.cat([part.flatten() for part in parts])


def category_information(model: VAE, plan: Plan) -> Tensor:
    """Return I(x; c) of the minibatch by its definition."""
    parameters_BP = model.encode(images())
    log_q_KB = model.bind_latents().log_q_categories(parameters_BP)[0]
    log_weights_BB = plan.encoding_weights(IMAGES, None, parameters_BP).dense(IMAGES)
    log_mean_KB = torch.logsumexp(log_q_KB[:, None] + log_weights_BB, dim=2)
    return (log_q_KB.exp() * (log_q_KB - log_mean_KB)).sum(0).mean()


@pytest.mark.parametrize("conditional", ["false", "true"])
def test_what_a_category_says_of_its_image_is_an_exact_sum(composed: Composed, conditional: str):
    """At every draw, and so is its gradient."""
    model, plan = made(composed, "drawn", f"architecture.conditional={conditional}")
    expected = category_information(model, plan)
    assert float(expected.detach()) > 0.05
    moves = gradient(expected, model)
    for draw in range(2):
        found = terms(model, plan, draw)
        torch.testing.assert_close(found.variable_information_V[0], expected)
        torch.testing.assert_close(found.group_information_G[0], expected)
        torch.testing.assert_close(gradient(found.variable_information_V[0], model), moves)


@pytest.mark.parametrize("conditional", ["false", "true"])
def test_the_published_form_does_not_tell_the_encoder_how_to_inform(
    composed: Composed, conditional: str
):
    """At a draw the gradient of log q(c|x) and of log q(c) has the mean zero."""
    model, plan = made(composed, "argmax", f"architecture.conditional={conditional}")
    total = torch.zeros(()).double()
    for draw in range(DRAWS):
        information = terms(model, plan, draw).group_information_G[0]
        total = total + gradient(information, model) / DRAWS
    expected = gradient(category_information(model, plan), model)
    assert total.norm() < 0.25 * expected.norm()


@pytest.mark.parametrize(
    "posterior",
    [(), ("architecture.conditional=true",), ("architecture.conditional=true", *TWO), TWO],
    ids=["independent", "conditional", "conditional-two", "independent-two"],
)
def test_the_mean_over_draws_is_the_exact_term(composed: Composed, posterior: tuple[str, ...]):
    """All encodings are there with equal weights, so the log-densities have no bias of their own.

    Where the posterior is conditional, another encoding's density of the style alone is estimated
    from its own draw, whose logarithm is too low; sets with the whole c have none.
    """
    of = partial(made, composed)
    further = (*posterior, "objective.encoding_weights=equal")
    (drawn, plan), (exact, _) = of("drawn", *further), of("exact", *further)

    def values(model: VAE) -> Tensor:
        with torch.no_grad():
            each = [terms(model, plan, draw).terms for draw in range(DRAWS)]
        return torch.stack([terms_of.stack() for terms_of in each])

    found, expected = values(drawn), values(exact)
    away = found.mean(0) - expected.mean(0)
    error = (found.var(0) + expected.var(0)).sqrt() / math.sqrt(DRAWS)
    exact_terms = [1] if "architecture.conditional=true" in posterior else [1, 2, 3, 4]
    assert (away.abs() <= 4 * error + 1e-9)[exact_terms].all()


@pytest.mark.parametrize("prior", ["uniform", "rare"])
def test_the_terms_sum_to_what_they_are_with_exact_sums(composed: Composed, prior: str):
    """E log q(z|x) less the prior's, a sum over c in both and at the same z, and its gradient."""
    rare = ("++prior.discrete={rare: 0.1}",) if prior == "rare" else ()
    of = partial(made, composed)
    (drawn, plan), (exact, _) = of("drawn", *rare), of("exact", *rare)
    sums = [terms(model, plan, 0).terms.stack().sum() for model in (drawn, exact)]
    torch.testing.assert_close(*sums)
    torch.testing.assert_close(gradient(sums[0], drawn), gradient(sums[1], exact))


def test_the_distance_from_an_uneven_prior_has_its_whole_gradient(composed: Composed):
    of = partial(made, composed)
    rare = "++prior.discrete={rare: 0.1}"
    (drawn, plan), (exact, _) = of("drawn", rare), of("exact", rare)
    found, expected = (terms(each, plan, 0).terms.dimension_wise_kl for each in (drawn, exact))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient(found, drawn), gradient(expected, exact))


def test_rows_of_a_minibatch_add_up(composed: Composed):
    """A minibatch that is computed some rows at a time has the terms of the whole."""
    model, plan = made(composed, "drawn", "architecture.conditional=true")
    latents = model.bind_latents()
    with torch.no_grad():
        parameters = model.encode(images())
        z = latents.sample(parameters, latents.noise(IMAGES, torch.Generator()).double())
        estimated, own = latents.at_draw(parameters, z)
        weights = plan.encoding_weights(IMAGES, None, z)
        parts = [
            decompose(
                estimated.densities(z[first:last], own[first:last], own, first=first),
                z.new_zeros(()),
                weights.for_rows(first),
            ).terms.stack() * (last - first) / IMAGES
            for first, last in [(0, 10), (10, IMAGES)]
        ]  # fmt: skip
        whole = decompose(estimated.densities(z, own, own), z.new_zeros(()), weights)
    torch.testing.assert_close(sum(parts), whole.terms.stack())
