"""A set of latent variables and how it falls into parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """Variables by number, and nested groups of them; a single variable has no children."""

    name: str
    variables: tuple[int, ...]
    children: tuple[Node, ...] = ()
