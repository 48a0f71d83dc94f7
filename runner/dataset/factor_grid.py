"""The full factor grid: every combination of the factors' values, each once, in order.

Shapes: B images of a minibatch, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from runner.dataset.splits import Factor


def grid_factors(factors: Sequence[Factor], indices_B: Tensor) -> Tensor:
    """Return the factors of the images at places of the grid, (B, F); the last varies fastest."""
    # torch.unravel_index does the same, and imports the compiler's symbols for it: half a second.
    columns: list[Tensor] = []
    for factor in reversed(factors):
        columns.append(indices_B % factor.size)
        indices_B = indices_B // factor.size
    return torch.stack(columns[::-1], dim=1)
