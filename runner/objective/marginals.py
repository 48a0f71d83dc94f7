"""Which marginals of q(z) a weighted sum of the terms depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from runner.config import Value
from runner.objective.aggregate_posterior import Node

Variables = tuple[int, ...]
_Weight = tuple[str, Value]
"""Weights cancel only within a kind: "term" or "information"."""


def required_marginals(
    tree: Node,
    *,
    index_code_mi: Value,
    levels: Sequence[Value],
    dimension_wise_kl: Value,
    groups: Mapping[int, Value],
) -> frozenset[Variables]:
    """Return the sets of variables whose E log q does not cancel from the weighted sum.

    E log q(set) enters with the weight of the level at which the set is split (of the
    dimension-wise KL for a single variable), less the weight of the level at which it is a part
    (of the index-code mutual information for all variables). The two cancel where they are one
    number, or one schedule. The information of a group is a further weight on its marginal.

    ``levels`` are the weights of the total correlations of the tree, between groups first;
    ``groups`` those of I(x; z_g) by number of the group.
    """
    added: dict[Variables, list[_Weight]] = defaultdict(list)
    subtracted: dict[Variables, list[_Weight]] = defaultdict(list)
    subtracted[tree.variables].append(("term", index_code_mi))

    def visit(node: Node, depth: int) -> None:
        weight = ("term", levels[depth])
        added[node.variables].append(weight)
        for child in node.children:
            subtracted[child.variables].append(weight)
            if child.children:
                visit(child, depth + 1)
            else:
                added[child.variables].append(("term", dimension_wise_kl))

    visit(tree, 0)
    for group, weight in groups.items():
        if weight != 0:
            subtracted[tree.children[group].variables].append(("information", weight))
    return frozenset(part for part in added if not _cancel(added[part], subtracted[part]))


def _cancel(added: Sequence[_Weight], subtracted: Sequence[_Weight]) -> bool:
    left = list(subtracted)
    for weight in added:
        if weight not in left:
            return False
        left.remove(weight)
    return not left
