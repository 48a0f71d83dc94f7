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
    sizes = [factor.size for factor in factors]
    return torch.stack(torch.unravel_index(indices_B, sizes), dim=1)
