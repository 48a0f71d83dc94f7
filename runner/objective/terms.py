"""The five terms whose plain sum is the negative ELBO, and I(x; z) of each variable and group.

Shapes: B samples, M encodings, V variables, G groups, L levels, A atoms (see
``aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import LogDensities, Node
from runner.objective.category_draws import (
    with_expected,
    with_expected_own,
    with_expected_prior,
)
from runner.objective.encoding_weights import EncodingWeights
from runner.objective.estimates import Means, log_marginals, over_atoms
from runner.objective.linear_terms import Sets, results


@dataclass(frozen=True, slots=True)
class Terms:
    """One scalar per term, in nats per example; their plain sum is the negative ELBO."""

    reconstruction: Tensor
    """-E log p(x|z), summed over pixels."""
    index_code_mi: Tensor
    """E[log q(z|x) - log q(z)]: mutual information of image index and code."""
    group_total_correlation: Tensor
    """E[log q(z) - sum_g log q(z_g)] less the prior's own: dependence between groups."""
    within_group_total_correlation: Tensor
    """sum_g E[log q(z_g) - sum_v log q(z_v)] less the prior's own: dependence within groups."""
    dimension_wise_kl: Tensor
    """sum_v E[log q(z_v) - log p(z_v)]: distance of each variable from its prior."""

    def stack(self) -> Tensor:
        """Return the terms as one tensor of shape (T,), in the order of their declaration."""
        return torch.stack([getattr(self, name) for name in TERM_NAMES])


TERM_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Terms))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The terms of a minibatch, and the mutual information of the image with parts of the code."""

    terms: Terms
    levels_L: Tensor
    """Total correlation of each level of the tree, between groups first; all but the first sum to
    the correlation within groups. There are at least two; a level without a split is zero."""
    variable_information_V: Tensor
    """I(x; z_v) of each variable, in their order, in nats."""
    group_information_G: Tensor
    """I(x; z_g) of each group, in nats."""


def decompose(
    densities: LogDensities,
    reconstruction: Tensor,
    weights: EncodingWeights | Tensor,
    *,
    wanted: frozenset[tuple[int, ...]] | None = None,
    plain: bool = False,
) -> Decomposition:
    """Split the negative ELBO into its five terms, all computed from one estimate of q(z).

    Every node of the tree of variables has a total correlation, E[log q(z_node) - sum over its
    children log q(z_child)] less the prior's own. A level is the sum over the nodes of one depth.

    ``weights`` are the log-weights of the encodings behind q(z); as a tensor, those of all pairs.
    ``wanted`` are the sets of variables whose E log q is computed; None computes all. The others
    count as zero, which changes no weighted sum that they cancel from
    (:func:`runner.objective.marginals.required_marginals`). ``plain`` asks for the estimate from
    tensors of all pairs, the definition; else normal variables are swept, with the same values and
    gradients, some samples at a time (``normal_sweep``).

    Shapes: ``reconstruction`` is -E log p(x|z), a scalar; weights (B, M) as a tensor; all returned
    values are means over B.
    Units: nats per example.
    Source: Esmaeili et al. 2019. The sum telescopes to the negative ELBO for any estimator.
    """
    tree = densities.tree
    every = {(v,) for v in tree.variables} | {node.variables for node in nodes_of(tree)}
    log_q = log_marginals(
        densities, weights, every if wanted is None else every & wanted, plain=plain
    )
    log_p = _log_priors(densities)
    log_own = _own(densities)
    if densities.draws is not None:
        log_q = with_expected(log_q, densities.draws, weights)
        log_own = with_expected_own(log_own, densities.draws)
        log_p = with_expected_prior(log_p, densities.draws)
    means_N = torch.cat([log_own.values_S, log_q.values_S, log_p.values_S])
    sets = Sets(log_own.sets, log_q.sets, log_p.sets)
    first, levels_L, variables_V, groups_G = results(tree, sets, means_N)
    index_code_mi, dimension_wise_kl = first.unbind()
    terms = Terms(
        reconstruction=reconstruction,
        index_code_mi=index_code_mi,
        group_total_correlation=levels_L[0],
        within_group_total_correlation=levels_L[1:].sum(),
        dimension_wise_kl=dimension_wise_kl,
    )
    return Decomposition(terms, levels_L, variables_V, groups_G)


def average(parts: Sequence[Decomposition], shares: Sequence[float]) -> Decomposition:
    """Return the decomposition of a minibatch from those of its parts; the shares sum to one."""
    if len(parts) == 1:
        return parts[0]

    def mean(pick: Callable[[Decomposition], Tensor]) -> Tensor:
        return torch.stack([s * pick(p) for p, s in zip(parts, shares, strict=True)]).sum(0)

    terms_T = mean(lambda part: part.terms.stack())
    return Decomposition(
        Terms(*terms_T.unbind()),
        mean(lambda part: part.levels_L),
        mean(lambda part: part.variable_information_V),
        mean(lambda part: part.group_information_G),
    )


def _own(densities: LogDensities) -> Means:
    """Return E log q(z_s|x) of every variable, each sample under its own encoding.

    Where variables depend on each other given x, also of all of them and of every group.
    """
    singles = tuple((v,) for v in densities.tree.variables)
    own_V = densities.own_sampled_VB.mean(1)
    if len(densities.enumerated_VAM):
        exact_V = (densities.atoms_AB * densities.own_enumerated_VAB).sum(1).mean(1)
        own_V = torch.cat([exact_V, own_V])
    if densities.sets is None:
        return Means(singles, own_V)
    nodes = (densities.tree, *densities.tree.children)
    several = tuple({node.variables: None for node in nodes if len(node.variables) > 1})
    found = [over_atoms(densities, densities.sets.log_own(part)) for part in several]
    return Means((*singles, *several), torch.cat([own_V, *(each[None] for each in found)]))


def _log_priors(densities: LogDensities) -> Means:
    """Return E log p of every variable, and of every set of the tree where p is correlated."""
    count, enumerated = len(densities.tree.variables), len(densities.enumerated_VAM)
    sampled_VB = densities.log_pv_VB
    sets: list[tuple[int, ...]] = [(v,) for v in range(count)]
    asked = list(sets if sampled_VB is None else sets[:enumerated])
    several: list[tuple[int, ...]] = []
    if not densities.prior_factorises:
        nodes = nodes_of(densities.tree)
        several = sorted({node.variables for node in nodes if len(node.variables) > 1})
    parts: list[Tensor] = []
    if asked:
        parts.append(torch.stack([over_atoms(densities, densities.log_pz(v)) for v in asked]))
    if sampled_VB is not None:
        parts.append(sampled_VB.mean(1))
    if several:
        parts.append(torch.stack([over_atoms(densities, densities.log_pz(s)) for s in several]))
    return Means((*sets, *several), parts[0] if len(parts) == 1 else torch.cat(parts))


def nodes_of(tree: Node) -> Iterator[Node]:
    """Yield every node of a tree, the root first."""
    yield tree
    for child in tree.children:
        yield from nodes_of(child)
