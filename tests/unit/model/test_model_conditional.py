"""A conditional posterior q(c, z|x) = q(c|x) q(z|x, c), against torch.distributions.

Shapes: N images, B samples, A atoms, V normal variables, C columns of the discrete variables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from runner.errors import UsageError
from runner.model.conditional import ConditionalSpace, require_discrete
from runner.model.discrete import Concrete, Discrete
from runner.model.group_rate import group_rate
from runner.model.latent_space import LatentSpace
from runner.objective import decompose, mixture_weights
from tests.conftest import prior_of
from tests.unit.model.conditional_enumeration import NORMALS, ONE, TWO, Enumerated, space_of

IMAGES = 6


@pytest.fixture(params=[ONE, TWO], ids=["one", "two"])
def made(request: pytest.FixtureRequest) -> tuple[ConditionalSpace, Tensor, Tensor, Enumerated]:
    space = space_of(request.param)
    source = torch.Generator().manual_seed(3)
    shape = (IMAGES, space.parameter_count)
    parameters = torch.randn(shape, generator=source, dtype=torch.double)
    noise = space.noise(IMAGES, source).double()
    return space, parameters, space.sample(parameters, noise), Enumerated(space, parameters)


def parted(space: ConditionalSpace, part: Sequence[int], value: Sequence[int]):
    count = len(space.discrete.variables)
    given = [k if d in part else None for d, k in enumerate(value)]
    return given, [v - count for v in part if v >= count]


def test_the_terms_are_those_of_the_enumerated_posterior(
    made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated],
):
    space, parameters, z, exact = made
    densities = space.densities(z, parameters, parameters)
    weights = mixture_weights(IMAGES, IMAGES, like=z)
    found = decompose(densities, z.new_zeros(()), weights)
    normals = z[:, space.discrete.width :]

    def expected(part: Sequence[int], *, own: bool) -> Tensor:
        """Return E log q(s|x) or E log q(s), c from q(c|x, z)."""
        total = z.new_zeros(())
        for i in range(IMAGES):
            every = list(range(NORMALS))
            share = torch.stack([exact.log_q(i, v, normals[i], every) for v in exact.values])
            for weight, value in zip(share.softmax(0), exact.values, strict=True):
                given, normal = parted(space, part, value)
                images = [i] if own else range(IMAGES)
                log_q = [exact.log_q(j, given, normals[i], normal) for j in images]
                total += weight * (torch.logsumexp(torch.stack(log_q), 0) - math.log(len(log_q)))
        return total / IMAGES

    every = space.tree.variables
    groups = [group.variables for group in space.tree.children]
    joint = expected(every, own=False)
    terms = found.terms
    torch.testing.assert_close(terms.index_code_mi, expected(every, own=True) - joint)
    between = joint - sum(expected(group, own=False) for group in groups)
    torch.testing.assert_close(terms.group_total_correlation, between)
    for v in every:
        information = expected([v], own=True) - expected([v], own=False)
        torch.testing.assert_close(found.variable_information_V[v], information)
    for g, group in enumerate(groups):
        information = expected(group, own=True) - expected(group, own=False)
        torch.testing.assert_close(found.group_information_G[g], information)
    deeper = sum(
        expected(group, own=False) - sum(expected([v], own=False) for v in group)
        for group in groups if len(group) > 1
    )  # fmt: skip
    torch.testing.assert_close(terms.within_group_total_correlation, deeper + 0 * joint)


def test_the_rate_is_the_closed_form(made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated]):
    space, parameters, z, exact = made
    log_p = [kind.log_p(z) for kind in space.discrete.variables]
    standard = Independent(Normal(torch.zeros(NORMALS).double(), 1), 1)
    for i, rate in enumerate(space.rate(z, parameters)):
        expected = z.new_zeros(())
        for a, value in enumerate(exact.values):
            posterior = Independent(Normal(exact.loc_NAV[i, a], exact.scale_NAV[i, a]), 1)
            prior = sum(p[k] for p, k in zip(log_p, value, strict=True))
            log_atom = exact.log_atom_NA[i, a]
            divergence = kl_divergence(posterior, standard)
            expected += log_atom.exp() * (log_atom - prior + divergence)
        torch.testing.assert_close(rate, expected)


def test_moments_and_rates_of_variables_are_those_of_the_mixture(
    made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated],
):
    space, parameters, z, exact = made
    mixtures = MixtureSameFamily(
        Categorical(logits=exact.log_atom_NA),
        Independent(Normal(exact.loc_NAV, exact.scale_NAV), 1),
    )
    mean, scale = space.posterior(parameters)
    torch.testing.assert_close(mean, mixtures.mean)
    torch.testing.assert_close(scale, mixtures.variance.sqrt())
    count = len(space.discrete.variables)
    normals = z[:, space.discrete.width :]
    rates = space.rate_per_variable(z, parameters)
    for v in range(NORMALS):
        one = MixtureSameFamily(
            Categorical(logits=exact.log_atom_NA),
            Normal(exact.loc_NAV[..., v], exact.scale_NAV[..., v]),
        )
        log_p = Normal(0.0, 1.0).log_prob(normals[:, v])
        torch.testing.assert_close(rates[:, count + v], one.log_prob(normals[:, v]) - log_p)


def test_log_q_and_p_are_those_of_the_joint(
    made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated],
):
    space, parameters, z, exact = made
    z = space.discretise(z)
    log_q, log_p = space.log_q_and_p(z, parameters)
    categories = space.discrete.categories_of(z[:, : space.discrete.width])
    normals = z[:, space.discrete.width :]
    for i in range(IMAGES):
        value = categories[i].tolist()
        expected = exact.log_q(i, value, normals[i], list(range(NORMALS)))
        torch.testing.assert_close(log_q[i], expected)
        of_c = sum(k.log_p(z)[c] for k, c in zip(space.discrete.variables, value, strict=True))
        torch.testing.assert_close(log_p[i], of_c + Normal(0.0, 1.0).log_prob(normals[i]).sum())


def test_terms_sum_to_the_rate_on_average(
    made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated],
):
    """The closed form is the expectation of what the terms sum to; no estimate of q(z) matters."""
    space, parameters, _, _ = made
    source = torch.Generator().manual_seed(0)
    many = parameters.repeat(4000, 1)
    z = space.sample(many, space.noise(len(many), source).double())
    own = space.densities(z, many, parameters)
    every = space.tree.variables
    log_q = (own.atoms_AB * own.sets.log_own(every)).sum(0)
    log_p = (own.atoms_AB * space.log_pz(z, every)).sum(0)
    ratio = log_q - log_p
    error = ratio.std() / math.sqrt(len(ratio))
    difference = ratio.mean() - space.rate(z, many).mean()
    assert abs(difference) < 4 * error


@pytest.mark.parametrize("discrete", [ONE, TWO], ids=["one", "two"])
def test_drawn_densities_are_unbiased_for_other_encodings_and_exact_for_their_own(
    discrete: dict[str, Discrete],
):
    space = space_of(discrete, "drawn")
    source = torch.Generator().manual_seed(5)
    parameters = torch.randn(IMAGES, space.parameter_count, generator=source).double()
    z = space.discretise(space.sample(parameters, space.noise(IMAGES, source).double()))
    exact = Enumerated(space, parameters)
    categories = space.discrete.categories_of(z[:, : space.discrete.width]).tolist()
    normals = z[:, space.discrete.width :]
    count, draws = len(discrete), 4000
    sets = [tuple(range(count, count + NORMALS)), space.tree.variables, (count,), (0, count)]
    for part in sets:
        total = torch.zeros(IMAGES, IMAGES).double()
        square = torch.zeros(IMAGES, IMAGES).double()
        many = parameters.repeat(draws, 1)
        drawn = space.sample(many, space.noise(len(many), source).double())
        estimated, encodings = space.at_draw(many, drawn)
        _, own = space.at_draw(parameters, z)
        # Of every draw the first IMAGES encodings are one minibatch; the samples stay the same.
        for each in encodings.split(IMAGES)[:400]:
            pairs = estimated.densities(z, own, each).sets.log_pairs(part)[0].exp()
            total += pairs / 400
            square += pairs.square() / 400
        for i, j in product(range(IMAGES), repeat=2):
            given, normal = parted(space, part, categories[i])
            expected = exact.log_q(j, given, normals[i], normal).exp()
            if i == j:
                torch.testing.assert_close(total[i, j], expected)
                continue
            error = ((square[i, j] - total[i, j] ** 2).clamp_min(0) / 400).sqrt()
            assert abs(total[i, j] - expected) <= 4.5 * error + 1e-12


def test_the_published_form_has_densities_given_the_encodings_own_draw():
    space = space_of(ONE, "argmax")
    source = torch.Generator().manual_seed(5)
    parameters = torch.randn(IMAGES, space.parameter_count, generator=source).double()
    hard = space._with(replace(space.discrete, hard=True))
    z = hard.sample(parameters, space.noise(IMAGES, source).double())
    estimated, encodings = space.at_draw(parameters, z)
    assert type(estimated) is LatentSpace
    assert encodings.shape == (IMAGES, space.encoding_width)
    densities = estimated.densities(z, encodings, encodings)
    exact = Enumerated(space, parameters)
    category = space.discrete.categories_of(z[:, :4])[:, 0]
    for i, j in product(range(IMAGES), repeat=2):
        k = int(category[j])
        normals = Normal(exact.loc_NAV[j, k], exact.scale_NAV[j, k]).log_prob(z[i, 4:])
        torch.testing.assert_close(densities.sampled_VBM[1:, i, j], normals)


def test_hard_draws_are_categories_with_the_gradient_of_relaxed_ones():
    space = space_of(ONE)
    hard = space._with(replace(space.discrete, hard=True))
    source = torch.Generator().manual_seed(1)
    parameters = torch.randn(IMAGES, space.parameter_count, generator=source).double()
    noise = space.noise(IMAGES, source).double()
    logits = parameters[:, :4].requires_grad_()
    weights = torch.randn(IMAGES, 4, generator=source).double()

    def gradient(of: LatentSpace) -> tuple[Tensor, Tensor]:
        c = of.discrete.sample(logits, noise[:, :4])
        return c, torch.autograd.grad((c * weights).sum(), logits)[0]

    (relaxed, of_relaxed), (category, of_category) = gradient(space), gradient(hard)
    torch.testing.assert_close(of_relaxed, of_category)
    assert set(category.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(category.argmax(1), relaxed.argmax(1))


def test_a_style_is_drawn_given_its_category():
    space = space_of(ONE)
    source = torch.Generator().manual_seed(1)
    parameters = torch.randn(1, space.parameter_count, generator=source).double()
    parameters = parameters.repeat(2000, 1)
    z = space.sample(parameters, space.noise(2000, source).double())
    exact = Enumerated(space, parameters[:1])
    category = z[:, :4].argmax(1)
    for k in range(4):
        chosen = z[category == k][:, 4:]
        gap = (chosen.mean(0) - exact.loc_NAV[0, k]) / exact.scale_NAV[0, k]
        assert gap.abs().max() < 4 / math.sqrt(len(chosen))


@pytest.mark.parametrize(
    ("discrete", "density", "prior", "said"),
    [
        ({}, "exact", "normal", "prior=normal has none"),
        ({"c": Concrete(3)}, "exact", "vamp", "prior=vamp"),
        ({"c": Concrete(65)}, "exact", "normal", "at most 64"),
        ({"c": Concrete(3)}, "relaxed", "normal", "concrete_density=relaxed"),
    ],
)
def test_what_has_no_conditional_form_is_refused(
    discrete: dict[str, Discrete], density: str, prior: str, said: str
):
    block = replace(prior_of(discrete, 2).discrete, density=density)
    with pytest.raises(UsageError, match=said):
        require_discrete(block, prior)


def test_the_rates_of_groups_sum_to_the_rate(
    made: tuple[ConditionalSpace, Tensor, Tensor, Enumerated],
):
    space, parameters, z, _ = made
    groups = range(len(space.tree.children))
    total = sum(group_rate(space, group, z, parameters) for group in groups)
    torch.testing.assert_close(total, space.rate(z, parameters))
