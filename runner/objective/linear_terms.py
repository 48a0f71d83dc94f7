"""The terms of the rate as a linear function of expectations of log-densities.

Every term is a sum of E log q(z_s|x), E log q(z_s) and E log p(z_s) over sets s of variables, with
coefficients of one that the tree of variables alone decides.

Shapes: V variables, N expectations, O = 2 + L + V + G results, of L levels of the tree and G
groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import Node

Variables = tuple[int, ...]
Row = tuple[tuple[int, float], ...]
"""A result: the numbers of expectations, each with its coefficient."""
Key = tuple[str, Variables]


class Sets(NamedTuple):
    """The sets of variables whose expectations there are."""

    own: tuple[Variables, ...]
    """E log q(z_s|x): every variable, and sets whose variables depend on each other given x."""
    q: tuple[Variables, ...]
    """E log q(z_s); a set that is missing counts as zero."""
    p: tuple[Variables, ...]
    """E log p(z_s)."""


def results(tree: Node, sets: Sets, means_N: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the index-code MI and the dimension-wise KL, the levels, I(x; z_v) and I(x; z_g).

    ``means_N`` are the expectations of ``sets``, one kind after the other.

    Shapes: (2,), (L,), (V,), (G,). Units: nats.
    Source: Esmaeili et al. 2019.
    """
    rows = _rows(tree, sets)
    if torch.compiler.is_compiling():  # which fuses sums, and would copy a matrix to a GPU
        each = means_N.unbind()
        zero = means_N.new_zeros(())
        found_O = torch.stack([sum((c * each[n] for n, c in row), start=zero) for row in rows])
    else:
        matrix_ON = _matrix(tree, sets, means_N.dtype, means_N.device)
        found_O = (matrix_ON * means_N).sum(1)
    variables, groups = len(tree.variables), len(tree.children)
    sizes = [2, len(rows) - 2 - variables - groups, variables, groups]
    first, levels, singles, of_groups = found_O.split(sizes)
    return first, levels, singles, of_groups


@lru_cache(maxsize=256)
def _matrix(tree: Node, sets: Sets, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the coefficients of all results, (O, N)."""
    rows = _rows(tree, sets)
    dense = [[0.0] * sum(map(len, sets)) for _ in rows]
    for values, row in zip(dense, rows, strict=True):
        for n, coefficient in row:
            values[n] = coefficient
    return torch.tensor(dense, dtype=dtype, device=device)


@lru_cache(maxsize=256)
def _rows(tree: Node, sets: Sets) -> tuple[Row, ...]:
    keys: list[Key] = [("own", part) for part in sets.own]
    keys += [("q", part) for part in sets.q] + [("p", part) for part in sets.p]
    place = {key: n for n, key in enumerate(keys)}

    def row(*parts: tuple[float, str, Sequence[Variables]]) -> Row:
        """Return the row of signed sums over sets; those without an expectation are left out."""
        found: dict[int, float] = defaultdict(float)
        for sign, kind, wanted in parts:
            for part in wanted:
                if (kind, part) in place:
                    found[place[kind, part]] += sign
        return tuple(found.items())

    def own(part: Variables) -> list[Variables]:
        """Return the sets whose own densities sum to that of a set."""
        return [part] if part in sets.own else [(v,) for v in part]

    singles = [(v,) for v in tree.variables]
    groups = [group.variables for group in tree.children]
    return (
        row((1, "own", own(tree.variables)), (-1, "q", [tree.variables])),
        row((1, "q", singles), (-1, "p", singles)),
        *(
            row((1, "q", whole), (-1, "q", parts), (-1, "p", whole), (1, "p", parts))
            if any(len(part) > 1 for part in sets.p)
            else row((1, "q", whole), (-1, "q", parts))
            for whole, parts in _splits(tree)
        ),
        *(row((1, "own", [part]), (-1, "q", [part])) for part in singles),
        *(row((1, "own", own(part)), (-1, "q", [part])) for part in groups),
    )


def _splits(tree: Node) -> list[tuple[list[Variables], list[Variables]]]:
    """Return for each level, at least two, the sets that are split there, and their parts."""
    found: list[tuple[list[Variables], list[Variables]]] = []
    nodes: Sequence[Node] = [tree]
    while nodes or len(found) < 2:
        split = [node for node in nodes if len(node.children) > 1]
        parts = [child.variables for node in split for child in node.children]
        found.append(([node.variables for node in split], parts))
        nodes = [child for node in nodes for child in node.children if child.children]
    return found
