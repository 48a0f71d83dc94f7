"""Laws that hold for any log-densities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from runner.config import RunConfig, WeightsConfig
from runner.model import Densities, Node
from runner.objective import (
    Objective,
    decompose,
    equal_weights,
    log_mixture_weights,
    nodes_of,
)
from runner.objective.aggregate_posterior import log_enumerated_posterior
from tests.conftest import random_densities, tree_of

ZERO = torch.zeros((), dtype=torch.float64)


@st.composite
def trees(draw: Callable[..., object], most: int = 6) -> Node:
    """Any variables in any nested groups, up to four levels deep."""

    def split(part: Sequence[int], depth: int) -> Node:
        variables = tuple(sorted(part))
        if len(part) == 1:
            return Node("leaf", variables)
        pieces = draw(st.integers(2, len(part))) if depth < 3 else len(part)
        cuts = [len(part) * i // pieces for i in range(pieces + 1)]
        parts = [part[start:stop] for start, stop in pairwise(cuts)]
        return Node("group", variables, tuple(split(each, depth + 1) for each in parts))

    order = draw(st.permutations(range(draw(st.integers(1, most)))))
    top = split(list(order), 1)
    several = len(top.children) > 1 and draw(st.booleans())
    return top if several else Node("all", top.variables, (top,))


@st.composite
def any_densities(draw: Callable[..., object]) -> tuple[Densities, Tensor]:
    """Densities of such a tree, the first few variables enumerated, and their log-weights."""
    tree, samples = draw(trees()), draw(st.integers(2, 7))
    densities = random_densities(
        tree,
        samples,
        enumerated=draw(st.integers(0, min(3, len(tree.variables)))),
        correlated=draw(st.booleans()),
        seed=draw(st.integers(0, 10_000)),
    )
    images = samples + draw(st.integers(0, 1000))
    if draw(st.booleans()):
        return densities, equal_weights(samples, like=ZERO).dense(samples)
    return densities, log_mixture_weights(samples, samples, images, like=ZERO)


def mean(densities: Densities, values_AB: Tensor) -> Tensor:
    return (densities.atoms_AB * values_AB).sum(0).mean()


def own(densities: Densities, variables: Sequence[int]) -> Tensor:
    """Log q(z|x_i) of some variables, (A, B)."""
    every = [*densities.own_enumerated_VAB]
    every += [row[None] for row in densities.own_sampled_VB]
    return sum((every[v] for v in variables), start=torch.zeros_like(densities.atoms_AB))


def dense_log_q(densities: Densities, variables: Sequence[int], log_weights_BM: Tensor) -> Tensor:
    """E log q(z) of some variables by a tensor of all atoms and pairs, (A, B, M)."""
    every = [row[:, None] for row in densities.enumerated_VAM]
    every += [row[None] for row in densities.sampled_VBM]
    pairs_ABM = sum((every[v] for v in variables), start=log_weights_BM[None])
    return mean(densities, pairs_ABM.logsumexp(-1))


@settings(deadline=None, max_examples=100)
@given(given_=any_densities())
def test_terms_sum_to_the_negative_elbo(given_: tuple[Densities, Tensor]):
    """For any tree, estimator, prior, and number of enumerated variables, the marginals cancel."""
    densities, log_weights_BM = given_
    reconstruction = torch.tensor(80.0, dtype=torch.float64)
    variables = densities.tree.variables
    log_ratio_AB = own(densities, variables) - densities.log_pz(variables)
    terms = decompose(densities, reconstruction, log_weights_BM).terms
    torch.testing.assert_close(terms.stack().sum(), reconstruction + mean(densities, log_ratio_AB))


@settings(deadline=None, max_examples=100)
@given(given_=any_densities())
def test_every_term_is_its_definition(given_: tuple[Densities, Tensor]):
    """Against tensors of all atoms and pairs, which the estimator never forms."""
    densities, log_weights_BM = given_
    tree, got = densities.tree, decompose(densities, ZERO, log_weights_BM)

    def log_q(variables: Sequence[int]) -> Tensor:
        return dense_log_q(densities, variables, log_weights_BM)

    def log_p(variables: Sequence[int]) -> Tensor:
        return mean(densities, densities.log_pz(variables))

    levels: dict[int, Tensor] = {0: ZERO, 1: ZERO}

    def visit(node: Node, depth: int) -> None:
        if not node.children:
            return
        parts = [child.variables for child in node.children]
        ratio = log_q(node.variables) - sum(map(log_q, parts))
        levels[depth] = levels.get(depth, ZERO) + ratio - log_p(node.variables)
        levels[depth] = levels[depth] + sum(map(log_p, parts))
        for child in node.children:
            visit(child, depth + 1)

    visit(tree, 0)
    assert len(got.levels_L) == len(levels)
    torch.testing.assert_close(got.levels_L, torch.stack([*levels.values()]))
    torch.testing.assert_close(got.terms.group_total_correlation, levels[0])
    within = sum(list(levels.values())[1:])
    torch.testing.assert_close(got.terms.within_group_total_correlation, within)
    information = mean(densities, own(densities, tree.variables)) - log_q(tree.variables)
    torch.testing.assert_close(got.terms.index_code_mi, information)
    singles = [log_q([v]) - log_p([v]) for v in tree.variables]
    torch.testing.assert_close(got.terms.dimension_wise_kl, torch.stack(singles).sum())
    for sets, each in (
        ([(v,) for v in tree.variables], got.variable_information_V),
        ([group.variables for group in tree.children], got.group_information_G),
    ):
        expected = [mean(densities, own(densities, part)) - log_q(part) for part in sets]
        torch.testing.assert_close(each, torch.stack(expected))


@settings(deadline=None, max_examples=60)
@given(atoms=st.integers(1, 9), samples=st.integers(1, 6), encodings=st.integers(1, 8),
       spread=st.sampled_from([0.1, 1.0, 30.0]), seed=st.integers(0, 10_000))  # fmt: skip
def test_a_product_of_matrices_is_the_dense_sum(
    atoms: int, samples: int, encodings: int, spread: float, seed: int
):
    source = torch.Generator().manual_seed(seed)
    log_qk_x_AM = torch.randn(encodings, atoms, generator=source).double().log_softmax(1).T
    log_qz_x_BM = spread * torch.randn(samples, encodings, generator=source).double() - 500
    dense_AB = (log_qk_x_AM[:, None] + log_qz_x_BM).logsumexp(-1)
    torch.testing.assert_close(log_enumerated_posterior(log_qk_x_AM, log_qz_x_BM), dense_AB)


def shuffled(densities: Densities, order: Tensor) -> Densities:
    return replace(
        densities,
        atoms_AB=densities.atoms_AB[:, order],
        sampled_VBM=densities.sampled_VBM[:, order][:, :, order],
        enumerated_VAM=densities.enumerated_VAM[:, :, order],
        own_sampled_VB=densities.own_sampled_VB[:, order],
        own_enumerated_VAB=densities.own_enumerated_VAB[:, :, order],
        log_pz=lambda variables: densities.log_pz(variables)[:, order],
    )


@settings(deadline=None, max_examples=30)
@given(given_=any_densities(), seed=st.integers(0, 10_000))
def test_the_order_of_a_minibatch_does_not_matter(given_: tuple[Densities, Tensor], seed: int):
    densities, log_weights_BM = given_
    samples = densities.atoms_AB.shape[1]
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        decompose(shuffled(densities, order), ZERO, log_weights_BM).terms.stack(),
        decompose(densities, ZERO, log_weights_BM).terms.stack(),
    )


@settings(deadline=None, max_examples=30)
@given(size=st.integers(2, 5), samples=st.integers(2, 8), seed=st.integers(0, 10_000))
def test_the_order_of_variables_within_a_group_does_not_matter(size: int, samples: int, seed: int):
    densities = random_densities(tree_of([size, 2]), samples, seed=seed)
    turn = [*reversed(range(size)), size, size + 1]
    turned = replace(
        densities,
        sampled_VBM=densities.sampled_VBM[turn],
        own_sampled_VB=densities.own_sampled_VB[turn],
        log_pz=lambda variables: densities.log_pz([turn[v] for v in variables]),
    )
    weights = log_mixture_weights(samples, samples, 100, like=ZERO)
    torch.testing.assert_close(
        decompose(turned, ZERO, weights).terms.stack(),
        decompose(densities, ZERO, weights).terms.stack(),
    )


@pytest.fixture(scope="module")
def vae(composed: Callable[..., RunConfig]) -> RunConfig:
    return composed("objective=vae")


@settings(deadline=None, max_examples=60)
@given(given_=any_densities(), data=st.data())
def test_marginals_that_cancel_are_not_missed(
    vae: RunConfig, given_: tuple[Densities, Tensor], data: st.DataObject
):
    """The loss from the marginals that it needs is the loss from all of them."""
    densities, log_weights_BM = given_
    weight = st.sampled_from([0.0, 1.0, 4.0])
    deeper = max(1, _depth(densities.tree) - 1)
    levels = data.draw(st.just([]) | st.lists(weight, min_size=deeper, max_size=deeper))
    changed = replace(
        vae.objective,
        weights=WeightsConfig(1.0, *(data.draw(weight) for _ in range(4))),
        levels=levels,
        group_information={"first": data.draw(weight)},
    )
    config = replace(vae, objective=changed)
    objective = Objective.from_config(config, densities.tree, 100)
    plan = objective.plan
    weights = plan.named(objective.weights(0), like=ZERO)
    rate = torch.tensor(3.0, dtype=torch.float64)
    whole = decompose(densities, ZERO, log_weights_BM)
    part = decompose(densities, ZERO, log_weights_BM, wanted=plan.required_marginals)
    expected = plan.loss(weights, ZERO, rate, whole)
    torch.testing.assert_close(plan.loss(weights, ZERO, rate, part), expected)
    every = {node.variables for node in nodes_of(densities.tree)}
    assert plan.required_marginals <= every
    if not plan.needs_aggregate_posterior:
        torch.testing.assert_close(plan.loss(weights, ZERO, rate, None), expected)


def _depth(tree: Node) -> int:
    return 1 + max((_depth(child) for child in tree.children if child.children), default=0)
