"""Pairwise coverage: few cases in which every pair of choices of different groups occurs.

Most faults of a combination are faults of two choices that do not fit together (Kuhn, Kacker & Lei
2013), so that a few hundred cases find what the thousands of the full product would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, product

Choice = tuple[str, str]
"""A group and a name in it: ``("prior", "normal")``."""
Pair = frozenset[Choice]
Case = dict[str, str]


def pairs_of(case: Mapping[str, str]) -> list[Pair]:
    """Return the pairs of choices that occur in a case."""
    return [frozenset(two) for two in combinations(case.items(), 2)]


def every_pair(groups: Mapping[str, Sequence[str]]) -> list[Pair]:
    """Return all pairs of choices of two different groups, in a fixed order."""
    return [
        frozenset({(one, a), (other, b)})
        for one, other in combinations(groups, 2)
        for a, b in product(groups[one], groups[other])
    ]


def covering_array(groups: Mapping[str, Sequence[str]], refused: Iterable[Pair]) -> list[Case]:
    """Return cases without refused pairs, such that every other pair occurs in one of them.

    Greedy: the first pair that is not covered yet is completed by the choices that cover the most
    others. Raises ValueError where a pair has no completion.
    """
    wrong = set(refused)
    left = dict.fromkeys(pair for pair in every_pair(groups) if pair not in wrong)
    cases: list[Case] = []
    while left:
        fixed = dict(next(iter(left)))
        free = [[fixed[name]] if name in fixed else names for name, names in groups.items()]
        best, most = None, 0
        for names in product(*free):
            case = dict(zip(groups, names, strict=True))
            pairs = pairs_of(case)
            new = 0 if wrong.intersection(pairs) else sum(pair in left for pair in pairs)
            if new > most:
                best, most = case, new
        if best is None:
            raise ValueError(f"{fixed} occur in no case without a refused pair")
        cases.append(best)
        for pair in pairs_of(best):
            left.pop(pair, None)
    return cases
