"""The last layers of an encoder whose normal variables depend on discrete ones.

Shapes: B images, H features, C columns of the discrete variables c, A atoms (joint categories), V
normal variables, U units of a hidden layer.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ConditionalHead(nn.Module):
    """From features h to the logits of c, and means and log-scales at every value of c.

    The logits are a linear function of h. Means and log-scales come from a network each, of one
    hidden layer, which sees [h, c] (Esmaeili et al. 2019).
    """

    values_AC: Tensor

    def __init__(
        self,
        features: int,
        units: int,
        variables: int,
        values_AC: Tensor,
        activation: Callable[[], nn.Module],
    ) -> None:
        """Take H, U, V, the columns of c at every atom, and what follows the hidden layers."""
        super().__init__()
        columns = values_AC.shape[1]
        self.register_buffer("values_AC", values_AC, persistent=False)
        self.logits = nn.Linear(features, columns)
        self.hidden_of_mean = nn.Linear(features + columns, units)
        self.mean = nn.Linear(units, variables)
        self.hidden_of_scale = nn.Linear(features + columns, units)
        self.log_scale = nn.Linear(units, variables)
        self.activation = activation()

    def forward(self, features_BH: Tensor) -> Tensor:
        """Return the logits, then for every atom the means and log-scales, (B, C + 2 A V)."""
        parts_BAV = [
            last(self.activation(self._hidden(first, features_BH)))
            for first, last in (
                (self.hidden_of_mean, self.mean),
                (self.hidden_of_scale, self.log_scale),
            )
        ]
        normals_BA = torch.cat(parts_BAV, dim=2).flatten(1)
        return torch.cat([self.logits(features_BH), normals_BA], dim=1)

    def _hidden(self, layer: nn.Linear, features_BH: Tensor) -> Tensor:
        """Return the layer's output for [h, c] at every c, (B, A, U), from h and c apart."""
        weight_of_h, weight_of_c = layer.weight.split(
            [features_BH.shape[1], self.values_AC.shape[1]], dim=1
        )
        of_h_BU = nn.functional.linear(features_BH, weight_of_h, layer.bias)
        return of_h_BU[:, None] + nn.functional.linear(self.values_AC, weight_of_c)
