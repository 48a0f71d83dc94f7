"""Names of the latent variables, and the tree of their groups."""

from __future__ import annotations

from collections.abc import Sequence

from runner.config import GroupTree, PriorConfig
from runner.errors import UsageError, nearest
from runner.model.node import Node


def numbered(stem: str, count: int) -> tuple[str, ...]:
    """Return the names of ``count`` variables: stem_0, stem_1 and so on."""
    return tuple(f"{stem}_{i}" for i in range(count))


def build_tree(config: PriorConfig, discrete: Sequence[str], continuous: Sequence[str]) -> Node:
    """Return the tree of the variables; the discrete ones have the first numbers.

    Without ``prior.groups`` each discrete variable is a group, and the continuous ones are split
    into groups of ``prior.group_size``.

    Raises: UsageError when ``prior.groups`` lacks a variable, repeats one, or has an unknown one.
    """
    names = [*discrete, *continuous]
    if config.groups is None:
        groups = [Node(name, (v,)) for v, name in enumerate(discrete)]
        groups += _of_equal_size(config, continuous, first=len(discrete))
        return Node("all", tuple(range(len(names))), tuple(groups))
    groups = [_node(n, part, f"prior.groups.{n}", names) for n, part in config.groups.items()]
    tree = _gathered("all", groups)
    missing = [name for v, name in enumerate(names) if v not in tree.variables]
    if missing:
        raise UsageError(f"prior.groups lacks {', '.join(missing)}")
    return tree


def _of_equal_size(config: PriorConfig, continuous: Sequence[str], first: int) -> list[Node]:
    if not continuous:
        return []
    count = len(continuous)
    size = config.group_size or count
    stem = continuous[0].rpartition("_")[0]
    groups: list[Node] = []
    for start in range(0, count, size):
        variables = tuple(range(first + start, first + start + size))
        whole = stem if size == count else f"{stem}_{start}-{start + size - 1}"
        # A group of one variable has the variable's name.
        name = continuous[start] if size == 1 and count > 1 else whole
        leaves = [Node(continuous[v - first], (v,)) for v in variables]
        groups.append(Node(name, variables, tuple(leaves) if size > 1 else ()))
    return groups


def _node(name: str, part: GroupTree | list[str], key: str, names: Sequence[str]) -> Node:
    if isinstance(part, dict):
        nodes = [_node(f"{name}/{n}", p, f"{key}.{n}", names) for n, p in part.items()]
        return _gathered(name, nodes)
    leaves: list[Node] = []
    for variable in map(str, part):
        if variable not in names:
            hint = nearest(variable, names) or f"the variables are {', '.join(names)}"
            raise UsageError(f"{key} names '{variable}', which the prior lacks", hint)
        leaves.append(Node(variable, (names.index(variable),)))
    return _gathered(name, leaves)


def _gathered(name: str, children: Sequence[Node]) -> Node:
    """Return the parent of some nodes; the parent of a single variable has no children itself."""
    variables = [v for child in children for v in child.variables]
    if len(set(variables)) < len(variables):
        twice = next(child.name for child in children if variables.count(child.variables[0]) > 1)
        raise UsageError(f"prior.groups has '{twice}' more than once")
    parts = () if len(variables) == 1 else tuple(children)
    return Node(name, tuple(sorted(variables)), parts)
