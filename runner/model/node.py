"""The tree of groups of latent variables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A set of variables by number, and its nested groups; a single variable has no children."""

    name: str
    variables: tuple[int, ...]
    children: tuple[Node, ...] = ()
