"""Steps that are divided evenly among parts which are fitted one after the other."""

from __future__ import annotations

from collections import Counter

import pytest

from runner.method.turns import Turns


@pytest.mark.parametrize(("steps", "parts"), [(12, 4), (13, 4), (3, 4), (1, 3), (5, 1)])
def test_every_part_has_its_share_in_order(steps: int, parts: int):
    turns = Turns(steps, parts)
    order = [turns.of(step) for step in range(steps)]
    assert order == sorted(order)
    counts = Counter(order)
    assert {counts[part] for part in range(parts)} <= {steps // parts, steps // parts + 1}
    assert all(turns.first(part) == order.index(part) for part in counts)
