"""An own prior: independent logistic variables.

vaerun plugins=[examples/own_prior.py] dataset=digits prior=logistic prior.scale=0.5

Shapes: B samples, V variables, U = V uniform numbers in (0, 1) behind a sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.model import Prior, PriorImages
from runner.model.independent import Independent, normal_log_density, open_interval
from runner.plugins import add_prior


@dataclass
class Logistic:
    """``prior.KEY``: what can be set, beside what every prior has."""

    dimensions: int = 10
    scale: float = field(default=0.55, metadata={"help": "s of the density of (z / s)"})


class LogisticMarginals(nn.Module):
    """p(z_v) = exp(-z/s) / (s (1 + exp(-z/s))^2)."""

    scale_V: Tensor

    def __init__(self, count: int, s: float) -> None:
        super().__init__()
        self.count = self.uniform_count = count
        self.s = s
        deviation = s * math.pi / math.sqrt(3)
        self.register_buffer("scale_V", torch.full((count,), deviation), persistent=False)

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return log p(z_v), (B, V), in nats."""
        standard_BV = z_BV / self.s
        return -standard_BV - math.log(self.s) - 2 * F.softplus(-standard_BV)

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return log q(z_v|x) - log p(z_v) at the sample: an unbiased estimate, (B, V)."""
        return normal_log_density(z_BV, loc_BV, scale_BV) - self.log_density(z_BV)

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return the quantiles, (B, V)."""
        return self.s * torch.logit(open_interval(uniform_BU))


def build(settings: Logistic, images: PriorImages) -> Prior:  # noqa: ARG001 - it needs no images
    """Return the density of ``settings.dimensions`` variables."""
    return Independent(LogisticMarginals(settings.dimensions, settings.scale))


add_prior("logistic", build, settings=Logistic, help="Independent logistic variables.")
