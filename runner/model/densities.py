"""What the objective sees of a latent space: log-densities, in nats.

Shapes: B samples, M encodings, V variables, D discrete ones, A atoms (see
``objective.aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from runner.model.node import Node
from runner.model.variables import NormalSamples


class SetDensities(Protocol):
    """See ``objective.SetDensities``."""

    def log_pairs(self, variables: Sequence[int]) -> Tensor:
        """Return log q of a set under every encoding, (A or 1, B or 1, M)."""
        ...

    def log_own(self, variables: Sequence[int]) -> Tensor:
        """Return log q of a set under the samples' own encodings, (A or 1, B)."""
        ...


@dataclass(frozen=True)
class CategoryDraws:
    """See ``objective.CategoryDraws``."""

    log_own: tuple[Tensor, ...]
    log_pairs: tuple[Tensor, ...]
    log_prior: tuple[Tensor, ...]
    category_BD: Tensor


@dataclass(frozen=True)
class Densities:
    """Log-densities of a minibatch, in nats; see ``objective.LogDensities`` for the fields."""

    tree: Node
    atoms_AB: Tensor
    sampled_VBM: Tensor
    enumerated_VAM: Tensor
    own_sampled_VB: Tensor
    own_enumerated_VAB: Tensor
    log_pz: Callable[[Sequence[int]], Tensor]
    prior_factorises: bool
    normals: NormalSamples | None = None
    log_pv_VB: Tensor | None = None
    sets: SetDensities | None = None
    draws: CategoryDraws | None = None
