"""Latent variables and groups of them, as the columns of a code.

Shapes: D dimensions of a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.errors import UsageError, nearest


@dataclass(frozen=True)
class Variable:
    """A latent variable: one column of the code if continuous, several if discrete.

    A discrete variable has a column per value: its probability, or a one-hot sample.
    """

    name: str
    columns: slice
    values: tuple[float, ...] | None = None
    """The numbers that the column of a variable takes, ascending, where it takes no other ones."""

    @property
    def is_discrete(self) -> bool:
        """Whether it has several columns; its value is then the index of the largest."""
        return self.columns.stop - self.columns.start > 1


@dataclass(frozen=True)
class Group:
    """Variables that are scored together, such as a group of a hierarchical prior."""

    name: str
    variables: tuple[Variable, ...]

    @property
    def columns(self) -> NDArray[np.int64]:
        """The columns of all its variables, which need not be neighbours."""
        return np.concatenate([np.arange(v.columns.start, v.columns.stop) for v in self.variables])


def grouped(
    variables: Sequence[Variable], groups: Mapping[str, Sequence[str]] | None
) -> tuple[Group, ...]:
    """Return the groups of variables.

    Args:
        variables: those of the code.
        groups: name of a group → names of its variables; None: each variable is a group.

    Raises: UsageError unless each variable is in one group.
    """
    if groups is None:
        return tuple(Group(v.name, (v,)) for v in variables)
    by_name = {v.name: v for v in variables}
    found: list[Group] = []
    left = set(by_name)
    for name, members in groups.items():
        for member in members:
            if member not in by_name:
                hint = nearest(member, by_name) or f"the variables are {', '.join(by_name)}"
                raise UsageError(f"group '{name}' names a variable '{member}' of none", hint)
            if member not in left:
                raise UsageError(f"variable '{member}' is in two groups, or twice in '{name}'")
            left.remove(member)
        if not members:
            raise UsageError(f"group '{name}' has no variables")
        found.append(Group(name, tuple(by_name[member] for member in members)))
    if left:
        raise UsageError(f"no group has {', '.join(v for v in by_name if v in left)}")
    return tuple(found)
