"""The five terms whose plain sum is the negative ELBO, and I(x; z) of each variable and group.

Shapes: B samples, M encodings, V variables, G groups, L levels, A atoms (see
``aggregate_posterior``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import (
    LogDensities,
    Node,
    log_aggregate_posterior,
    log_enumerated_posterior,
)


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
    log_weights_BM: Tensor,
    *,
    wanted: frozenset[tuple[int, ...]] | None = None,
) -> Decomposition:
    """Split the negative ELBO into its five terms, all computed from one estimate of q(z).

    Every node of the tree of variables has a total correlation, E[log q(z_node) - sum over its
    children log q(z_child)] less the prior's own. A level is the sum over the nodes of one depth.

    ``wanted`` are the sets of variables whose E log q is computed; None computes all. The others
    count as zero, which changes no weighted sum that they cancel from
    (:func:`runner.objective.marginals.required_marginals`).

    Shapes: ``reconstruction`` is -E log p(x|z), a scalar; all returned values are means over B.
    Units: nats per example.
    Source: Esmaeili et al. 2019. The sum telescopes to the negative ELBO for any estimator.
    """
    variables = densities.tree.variables
    found = _log_marginals(densities, log_weights_BM, wanted)
    log_q = defaultdict(lambda: torch.zeros_like(reconstruction), found)
    log_p = _log_priors(densities)
    own_V = torch.stack([_mean(densities, _own(densities, v)) for v in variables])
    log_qv_V = torch.stack([log_q[v,] for v in variables])
    log_pv_V = torch.stack([log_p[v,] for v in variables])
    levels_L = _levels(densities.tree, log_q, log_p)
    groups = densities.tree.children
    terms = Terms(
        reconstruction=reconstruction,
        index_code_mi=own_V.sum() - log_q[variables],
        group_total_correlation=levels_L[0],
        within_group_total_correlation=levels_L[1:].sum(),
        dimension_wise_kl=(log_qv_V - log_pv_V).sum(),
    )
    own_G = torch.stack([own_V[list(group.variables)].sum() for group in groups])
    log_qg_G = torch.stack([log_q[group.variables] for group in groups])
    return Decomposition(terms, levels_L, own_V - log_qv_V, own_G - log_qg_G)


def average(parts: Sequence[Decomposition], shares: Sequence[float]) -> Decomposition:
    """Return the decomposition of a minibatch from those of its parts; the shares sum to one."""

    def mean(pick: Callable[[Decomposition], Tensor]) -> Tensor:
        return torch.stack([s * pick(p) for p, s in zip(parts, shares, strict=True)]).sum(0)

    terms_T = mean(lambda part: part.terms.stack())
    return Decomposition(
        Terms(*terms_T.unbind()),
        mean(lambda part: part.levels_L),
        mean(lambda part: part.variable_information_V),
        mean(lambda part: part.group_information_G),
    )


def _mean(densities: LogDensities, values_AB: Tensor) -> Tensor:
    return (densities.atoms_AB * values_AB).sum(0).mean()


def _own(densities: LogDensities, variable: int) -> Tensor:
    enumerated = len(densities.enumerated_VAM)
    if variable < enumerated:
        return densities.own_enumerated_VAB[variable]
    return densities.own_sampled_VB[variable - enumerated][None]


def _levels(
    tree: Node,
    log_q: Mapping[tuple[int, ...], Tensor],
    log_p: Mapping[tuple[int, ...], Tensor],
) -> Tensor:
    """Return the total correlation of each level, from the root down; at least two."""
    levels: list[Tensor] = []
    nodes = [tree]
    while nodes or len(levels) < 2:
        level = torch.zeros_like(log_q[tree.variables])
        for node in nodes:
            parts = [child.variables for child in node.children]
            if len(parts) > 1:
                level = level + log_q[node.variables] - sum(log_q[part] for part in parts)
                if node.variables in log_p:
                    level = level - log_p[node.variables] + sum(log_p[part] for part in parts)
        levels.append(level)
        nodes = [child for node in nodes for child in node.children if child.children]
    return torch.stack(levels)


def _log_priors(densities: LogDensities) -> dict[tuple[int, ...], Tensor]:
    """Return E log p of every variable, and of every node where the prior is correlated."""
    wanted = {(v,) for v in densities.tree.variables}
    if not densities.prior_factorises:
        wanted |= {node.variables for node in nodes_of(densities.tree)}
    return {part: _mean(densities, densities.log_pz(part)) for part in sorted(wanted)}


def _log_marginals(
    densities: LogDensities,
    log_weights_BM: Tensor,
    wanted: frozenset[tuple[int, ...]] | None,
) -> dict[tuple[int, ...], Tensor]:
    """Return E log q of every variable and every node of the tree, or of those that are wanted.

    All sets of sampled variables are reduced in one call, and so are all single ones.
    """
    enumerated = len(densities.enumerated_VAM)
    singles: list[tuple[int, ...]] = [(v,) for v in densities.tree.variables]
    every = {*singles, *(node.variables for node in nodes_of(densities.tree))}
    left = every if wanted is None else every & wanted
    found: dict[tuple[int, ...], Tensor] = {}
    if left & set(singles[enumerated:]):
        mean_V = log_aggregate_posterior(densities.sampled_VBM, log_weights_BM).mean(1)
        found |= dict(zip(singles[enumerated:], mean_V, strict=True))
    plain = sorted(part for part in left - set(found) if part[0] >= enumerated)
    if plain:
        pairs = [_sampled(densities, part) for part in plain]
        mean_S = log_aggregate_posterior(torch.stack(pairs), log_weights_BM).mean(1)
        found |= dict(zip(plain, mean_S, strict=True))
    for part in sorted(left - set(found)):
        found[part] = _mean(densities, _log_mixed(densities, part, log_weights_BM))
    return found


def _log_mixed(densities: LogDensities, variables: Sequence[int], log_weights_BM: Tensor) -> Tensor:
    """Return log q of variables some of which are enumerated, (A, B)."""
    enumerated = len(densities.enumerated_VAM)
    log_qk_x_AM = densities.enumerated_VAM[[v for v in variables if v < enumerated]].sum(0)
    if variables[-1] < enumerated:
        return log_enumerated_posterior(log_qk_x_AM, log_weights_BM)
    log_qz_x_BM = _sampled(densities, [v for v in variables if v >= enumerated])
    return log_enumerated_posterior(log_qk_x_AM, log_qz_x_BM + log_weights_BM)


def _sampled(densities: LogDensities, variables: Sequence[int]) -> Tensor:
    """Return log q(z|x_j) of several sampled variables together, (B, M)."""
    first, last = variables[0], variables[-1] + 1
    enumerated = len(densities.enumerated_VAM)
    if last - first == len(variables):  # neighbours: a view, not a copy
        return densities.sampled_VBM[first - enumerated : last - enumerated].sum(0)
    return densities.sampled_VBM[[v - enumerated for v in variables]].sum(0)


def nodes_of(tree: Node) -> Iterator[Node]:
    """Yield every node of a tree, the root first."""
    yield tree
    for child in tree.children:
        yield from nodes_of(child)
