"""A quantised code: each number of the encoder is replaced by the nearest of a few learned values.

Shapes: B samples, V variables, K values of a variable.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Quantised(nn.Module):
    """V variables with a codebook of K numbers each (QLAE, Hsu et al. 2023).

    The values start evenly spaced between -``start`` and ``start``. They are learned by the penalty
    ``quantisation`` alone: samples pass their gradient straight through to the encoder.
    """

    values_VK: Tensor

    def __init__(self, count: int, values: int, start: float, *, learned: bool) -> None:
        super().__init__()
        self.count = count
        values_VK = torch.linspace(-start, start, values).repeat(count, 1)
        if learned:
            self.values_VK = nn.Parameter(values_VK)
        else:
            self.register_buffer("values_VK", values_VK)

    @property
    def parameter_count(self) -> int:
        """One number a variable."""
        return self.count

    def nearest(self, code_BV: Tensor) -> Tensor:
        """Return the value that is nearest to each number, (B, V), the first of equally near ones.

        Differentiable in the values, and not in the numbers.
        """
        distance_BVK = (code_BV.detach()[..., None] - self.values_VK.detach()).abs()
        numbers_K = torch.arange(distance_BVK.shape[-1], device=code_BV.device)
        is_nearest_BVK = distance_BVK.argmin(-1, keepdim=True) == numbers_K
        # A sum with one summand, since the gradient of indexing adds up in any order on a GPU.
        return torch.where(is_nearest_BVK, self.values_VK, 0.0).sum(-1)

    def sample(self, parameters_BP: Tensor, noise_BV: Tensor) -> Tensor:  # noqa: ARG002 - deterministic
        """Return the values, (B, V): they are deterministic."""
        return self.posterior_mean(parameters_BP)

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the values, (B, V), with the gradient of the numbers that they stand for.

        Source: Bengio et al. 2013 for the straight-through gradient.
        """
        # The sum of a value and an exact zero is the value, which z + (value - z) is not.
        return self.nearest(parameters_BP).detach() + (parameters_BP - parameters_BP.detach())

    def decoder_input(self, z_BV: Tensor) -> Tensor:
        """Return the values themselves."""
        return z_BV
