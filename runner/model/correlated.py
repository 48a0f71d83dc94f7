"""A normal prior whose variables are correlated.

Shapes: B samples, V variables, and as many uniform numbers in (0, 1) behind a sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from runner.model.independent import StandardNormal, columns, normal_quantile

_LOG_2PI = math.log(2 * math.pi)


class CorrelatedNormal(nn.Module):
    """N(0, R) with unit variances; see ``prior.Prior`` for the methods.

    Everything is computed from R at each call: V is small, and so the results have the precision
    of the type that the module is moved to.
    """

    correlation_VV: Tensor

    def __init__(self, correlation_VV: Tensor) -> None:
        """Take R, positive definite and with ones on its diagonal."""
        super().__init__()
        self.count = self.uniform_count = len(correlation_VV)
        self.factorises = torch.equal(correlation_VV, torch.eye(self.count).to(correlation_VV))
        self.marginals = StandardNormal(self.count)
        self.register_buffer("correlation_VV", correlation_VV)

    @property
    def scale_V(self) -> Tensor:
        """One for every variable."""
        return self.marginals.scale_V

    @property
    def center_V(self) -> Tensor:
        """Zero for every variable, the mean."""
        return torch.zeros_like(self.scale_V)

    def log_marginals(self, z_BV: Tensor) -> Tensor:
        """Return the standard normal log-densities, (V, B)."""
        return self.marginals.log_density(z_BV).T

    def log_joint(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return the log-density of some variables together, with their block of R, (B,)."""
        rows_VV = columns(self.correlation_VV, variables).T
        root_VV = _root(columns(rows_VV, variables))
        z_VB = columns(z_BV, variables).T
        white_VB = torch.linalg.solve_triangular(root_VV, z_VB, upper=False)
        constant = root_VV.diagonal().log().sum() + 0.5 * len(variables) * _LOG_2PI
        return -0.5 * white_VB.square().sum(0) - constant

    def rate(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002 - closed form
        """Return the KL divergence of the normals, 1/2 (tr(S/R) + loc'loc/R - V + log |R|/|S|)."""
        root_VV = _root(self.correlation_VV)
        identity_VV = torch.eye(self.count, dtype=root_VV.dtype, device=root_VV.device)
        whitener_VV = torch.linalg.solve_triangular(root_VV, identity_VV, upper=False)
        trace_B = scale_BV.square() @ whitener_VV.square().sum(0)
        square_B = (loc_BV @ whitener_VV.T).square().sum(1)
        log_ratio_B = root_VV.diagonal().log().sum() - scale_BV.log().sum(1)
        return 0.5 * (trace_B + square_B - self.count) + log_ratio_B

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return the KL divergences from the standard normal marginals, (B, V)."""
        return self.marginals.rate_per_variable(loc_BV, scale_BV, z_BV)

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return standard normal quantiles, correlated by the root of R, (B, V)."""
        return normal_quantile(uniform_BU) @ _root(self.correlation_VV).T

    def with_encoder(self, encode: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Self:  # noqa: ARG002 - needs no encoder
        """Return itself."""
        return self


def _root(correlation_VV: Tensor) -> Tensor:
    """Return the Cholesky factor; unchecked, since a check makes a GPU wait for the CPU."""
    return torch.linalg.cholesky_ex(correlation_VV)[0]
