"""The continuous variables of q(z|x): how they are sampled, and their log-densities.

Shapes: B samples, M encodings, V variables, P parameters of q(z|x) for them, K values
of a variable that takes no other ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def log_normal(z: Tensor, loc: Tensor, log_scale: Tensor) -> Tensor:
    """Return the log-densities of normal variables, in nats; the shapes are broadcast.

    The difference is formed before it is scaled: the expanded square, though a matrix product,
    loses float32 digits as (|z|/scale)**2.
    """
    standard = (z - loc) * (-log_scale).exp()
    return -0.5 * standard.square() - (log_scale + HALF_LOG_2PI)


class Continuous(Protocol):
    """Variables that are one real number each, independent given the image."""

    @property
    def count(self) -> int:
        """V, the number of variables and of their columns of z."""
        ...

    @property
    def parameter_count(self) -> int:
        """P, the parameters that the encoder gives for them."""
        ...

    @property
    def values_VK(self) -> Tensor | None:
        """The K numbers that each variable takes; None where it takes any."""
        ...

    def sample(self, parameters_BP: Tensor, noise_BV: Tensor) -> Tensor:
        """Return a differentiable sample from q(z|x), (B, V), given standard normal noise."""
        ...

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean code, (B, V)."""
        ...

    def decoder_input(self, z_BV: Tensor) -> Tensor:
        """Return what the decoder is given for a sample, (B, V)."""
        ...


@dataclass(frozen=True)
class NormalSamples:
    """Samples of normal variables, with the encodings that q(z) is a mixture of."""

    z_BV: Tensor
    loc_MV: Tensor
    log_scale_MV: Tensor


@dataclass(frozen=True)
class Normals:
    """Normal variables: the encoder gives the means and then the log-scales."""

    count: int
    values_VK: None = field(default=None, init=False)

    @property
    def parameter_count(self) -> int:
        """A mean and a log-scale a variable."""
        return 2 * self.count

    def sample(self, parameters_BP: Tensor, noise_BV: Tensor) -> Tensor:
        """Return loc + scale * noise (Kingma & Welling 2014)."""
        loc_BV, log_scale_BV = parameters_BP.chunk(2, dim=1)
        return loc_BV + log_scale_BV.exp() * noise_BV

    def log_pairs(self, sample_BV: Tensor, encodings_MP: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of all pairs, (V, B, M)."""
        encodings_PM = encodings_MP.T.contiguous()  # neighbours in memory are neighbours in M
        loc_VM, log_scale_VM = encodings_PM[:, None].chunk(2)
        return log_normal(sample_BV.T[:, :, None], loc_VM, log_scale_VM)

    def log_own(self, sample_BV: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return log q(z_v|x_i) of the samples under their own encodings, (V, B)."""
        loc_BV, log_scale_BV = parameters_BP.chunk(2, dim=1)
        standard_BV = (sample_BV - loc_BV) * (-log_scale_BV).exp()
        return (-0.5 * standard_BV.square() - log_scale_BV - HALF_LOG_2PI).T

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the means."""
        return parameters_BP.chunk(2, dim=1)[0]

    def decoder_input(self, z_BV: Tensor) -> Tensor:
        """Return the sample itself."""
        return z_BV


@dataclass(frozen=True)
class LogNormals(Normals):
    """Log-normal variables, by their logarithms: the decoder is given f(x) * exp(scale(x) * noise).

    A sample is multiplied by log-normal noise (information dropout, Achille & Soatto 2018).
    Densities are those of the logarithm: this changes q and p by the same factor, which cancels in
    every term.
    """

    def decoder_input(self, z_BV: Tensor) -> Tensor:
        """Return exp(z)."""
        return z_BV.exp()


@dataclass(frozen=True)
class Codes:
    """A deterministic code: what the encoder gives, through an activation."""

    count: int
    activation: str
    values_VK: None = field(default=None, init=False)

    @property
    def parameter_count(self) -> int:
        """One number a variable."""
        return self.count

    def sample(self, parameters_BP: Tensor, noise_BV: Tensor) -> Tensor:  # noqa: ARG002 - deterministic
        """Return the code: it is deterministic."""
        return self.posterior_mean(parameters_BP)

    def posterior_mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the code."""
        return ACTIVATIONS[self.activation](parameters_BP)

    def decoder_input(self, z_BV: Tensor) -> Tensor:
        """Return the code itself."""
        return z_BV


def _linear(code_BV: Tensor) -> Tensor:
    return code_BV


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": _linear,
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
}
"""Name in ``prior.activation`` → what is applied to the encoder's last layer."""
