"""The terms as sums of expectations, against the definition written out."""

from __future__ import annotations

import pytest
import torch

from runner.model.node import Node
from runner.objective.linear_terms import Sets, results

SINGLES = tuple(Node(f"v{v}", (v,)) for v in range(5))
PAIR = Node("pair", (0, 1), SINGLES[:2])
FLAT = Node("z", (0, 1, 2, 3, 4), SINGLES)
NESTED = Node(
    "z", (0, 1, 2, 3, 4), (Node("left", (0, 1, 2), (PAIR, SINGLES[2])), SINGLES[3], SINGLES[4])
)
OF_ONE = tuple((v,) for v in range(5))


def test_a_flat_tree_has_one_level():
    own, q, p = torch.randn(3, 5, dtype=torch.double)
    joint = torch.randn(1, dtype=torch.double)
    found = results(
        FLAT, Sets(OF_ONE, (*OF_ONE, FLAT.variables), OF_ONE), torch.cat([own, q, joint, p])
    )
    torch.testing.assert_close(found[0], torch.stack([own.sum() - joint[0], (q - p).sum()]))
    torch.testing.assert_close(found[1], torch.stack([joint[0] - q.sum(), torch.zeros_like(q[0])]))
    torch.testing.assert_close(found[2], own - q)
    torch.testing.assert_close(found[3], own - q)  # each variable is a group


@pytest.mark.parametrize("correlated", [False, True])
def test_levels_of_a_nested_tree_and_the_priors_own_correlations(*, correlated: bool):
    several = (NESTED.variables, (0, 1, 2), (0, 1))
    own, q, p = torch.randn(3, 5, dtype=torch.double)
    q_several, p_several = torch.randn(2, 3, dtype=torch.double)
    p_sets = (*OF_ONE, *several) if correlated else OF_ONE
    parts = [own, q, q_several, p, *([p_several] if correlated else [])]
    _, levels, _, groups = results(
        NESTED, Sets(OF_ONE, (*OF_ONE, *several), p_sets), torch.cat(parts)
    )

    def correlations(single: torch.Tensor, joint: torch.Tensor) -> torch.Tensor:
        return torch.stack(
            [
                joint[0] - joint[1] - single[3] - single[4],
                joint[1] - joint[2] - single[2],
                joint[2] - single[0] - single[1],
            ]
        )

    expected = correlations(q, q_several)
    if correlated:
        expected = expected - correlations(p, p_several)
    torch.testing.assert_close(levels, expected)
    of_left = own[:3].sum() - q_several[1]
    torch.testing.assert_close(groups, torch.stack([of_left, *(own - q)[3:]]))


def test_sets_that_are_not_wanted_count_as_zero():
    own, p = torch.randn(2, 5, dtype=torch.double)
    first, levels, _, _ = results(FLAT, Sets(OF_ONE, (), OF_ONE), torch.cat([own, p]))
    torch.testing.assert_close(first, torch.stack([own.sum(), -p.sum()]))
    assert levels.eq(0).all()


def test_a_compiler_is_given_the_same_sums(monkeypatch: pytest.MonkeyPatch):
    sets = Sets(OF_ONE, (*OF_ONE, NESTED.variables, (0, 1)), OF_ONE)
    means = torch.randn(sum(map(len, sets)), dtype=torch.double)
    expected = results(NESTED, sets, means)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    for found, value in zip(results(NESTED, sets, means), expected, strict=True):
        torch.testing.assert_close(found, value)
