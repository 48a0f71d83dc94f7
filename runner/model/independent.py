"""Priors whose continuous variables are independent: p(z) = prod_v p(z_v).

``Independent`` is the joint density, and ``Marginals`` the interface of its marginal densities.

Shapes: B samples, V variables, U uniform numbers in (0, 1) for a sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import torch
from torch import Tensor, nn

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def normal_log_density(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Return log N(z; loc, scale^2), element by element."""
    return -0.5 * ((z - loc) / scale).square() - scale.log() - _HALF_LOG_2PI


def open_interval(uniform: Tensor) -> Tensor:
    """Return numbers clamped to the open interval (0, 1): random generators can return 0 and 1."""
    margin = torch.finfo(uniform.dtype).eps / 2
    return uniform.clamp(margin, 1 - margin)


def normal_quantile(uniform: Tensor) -> Tensor:
    """Return the standard normal quantiles; by erfinv, which more devices support than ndtri."""
    return math.sqrt(2) * torch.erfinv(2 * open_interval(uniform) - 1)


def columns(values_BV: Tensor, variables: Sequence[int]) -> Tensor:
    """Return the columns of some variables, (B, V)."""
    # By views: indexing with a list would make a GPU wait for the CPU.
    return torch.stack([values_BV[:, variable] for variable in variables], dim=1)


class Marginals(Protocol):
    """The marginal densities of V independent variables."""

    @property
    def count(self) -> int:
        """V, the number of variables."""
        ...

    @property
    def uniform_count(self) -> int:
        """U, how many uniform numbers in (0, 1) a sample of all variables needs."""
        ...

    @property
    def scale_V(self) -> Tensor:
        """The standard deviation of each variable, or its scale where the variance is infinite."""
        ...

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return log p(z_v), (B, V)."""
        ...

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)), (B, V)."""
        ...

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return a sample, (B, V)."""
        ...


class Independent(nn.Module):
    """p(z) = prod_v p(z_v); see ``prior.Prior`` for the methods."""

    factorises = True

    def __init__(self, marginals: Marginals) -> None:
        super().__init__()
        self.marginals = marginals

    @property
    def count(self) -> int:
        """V, the number of variables."""
        return self.marginals.count

    @property
    def uniform_count(self) -> int:
        """U, how many uniform numbers a sample needs."""
        return self.marginals.uniform_count

    @property
    def scale_V(self) -> Tensor:
        """The standard deviation of each variable."""
        return self.marginals.scale_V

    @property
    def center_V(self) -> Tensor:
        """The mean, zero: every marginal is symmetric around it."""
        return torch.zeros_like(self.scale_V)

    def log_marginals(self, z_BV: Tensor) -> Tensor:
        """Return log p(z_v), (V, B)."""
        return self.marginals.log_density(z_BV).T

    def log_joint(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return the sum of the variables' log-densities, (B,)."""
        return columns(self.marginals.log_density(z_BV), variables).sum(1)

    def rate(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return KL(q(z|x)||p(z)), the sum over the variables since q and p factorise, (B,)."""
        return self.rate_per_variable(loc_BV, scale_BV, z_BV).sum(1)

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)), (B, V)."""
        return self.marginals.rate_per_variable(loc_BV, scale_BV, z_BV)

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return a sample from p(z), (B, V)."""
        return self.marginals.sample(uniform_BU)

    def with_encoder(self, encode: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Self:  # noqa: ARG002 - unused
        """Return itself: no encoder is needed."""
        return self


class StandardNormal(nn.Module):
    """N(0, 1)."""

    scale_V: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = self.uniform_count = count
        self.register_buffer("scale_V", torch.ones(count), persistent=False)

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return the standard normal log-densities."""
        return -0.5 * z_BV.square() - _HALF_LOG_2PI

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002 - closed form
        """Return 1/2 (scale^2 + loc^2 - 1) - log scale."""
        return 0.5 * (scale_BV.square() + loc_BV.square() - 1) - scale_BV.log()

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return the quantiles."""
        return normal_quantile(uniform_BU)


class AnisotropicNormal(nn.Module):
    """N(0, sigma_v^2) with sigma_v^2 = mean * V * softmax(logits)_v: the total variance is fixed.

    Source: Mathieu et al. 2019.
    """

    logits_V: Tensor

    def __init__(self, variances_V: Tensor, mean: float, *, learned: bool) -> None:
        """Take variances up to a common factor, (V,), and the mean of the scaled variances."""
        super().__init__()
        self.count = self.uniform_count = len(variances_V)
        self.mean = mean
        logits_V = variances_V.log()
        if learned:
            self.logits_V = nn.Parameter(logits_V)
        else:
            self.register_buffer("logits_V", logits_V)

    @property
    def scale_V(self) -> Tensor:
        """Standard deviations."""
        log_total = math.log(self.mean * self.count)
        return (0.5 * (log_total + self.logits_V.log_softmax(0))).exp()

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return the normal log-densities."""
        return normal_log_density(z_BV, torch.zeros_like(z_BV), self.scale_V)

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002 - closed form
        """Return 1/2 ((scale^2 + loc^2) / sigma^2 - 1) - log(scale / sigma)."""
        ratio_BV = scale_BV / self.scale_V
        standard_BV = loc_BV / self.scale_V
        return 0.5 * (ratio_BV.square() + standard_BV.square() - 1) - ratio_BV.log()

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return the quantiles."""
        return self.scale_V * normal_quantile(uniform_BU)


class Laplace(nn.Module):
    """exp(-|z| / b) / 2b."""

    scale_V: Tensor

    def __init__(self, count: int, b: float) -> None:
        super().__init__()
        self.count = self.uniform_count = count
        self.b = b
        self.register_buffer("scale_V", torch.full((count,), math.sqrt(2) * b), persistent=False)

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return the Laplace log-densities."""
        return -z_BV.abs() / self.b - math.log(2 * self.b)

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002 - closed form
        """Return E|z| / b + log 2b minus the posterior's entropy; |z| is a folded normal."""
        standard_BV = loc_BV / scale_BV
        near_BV = math.sqrt(2 / math.pi) * scale_BV * (-0.5 * standard_BV.square()).exp()
        mean_absolute_BV = near_BV + loc_BV * torch.erf(standard_BV / math.sqrt(2))
        entropy_BV = scale_BV.log() + _HALF_LOG_2PI + 0.5
        return mean_absolute_BV / self.b + math.log(2 * self.b) - entropy_BV

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return the quantiles."""
        centred_BV = open_interval(uniform_BU) - 0.5
        return -self.b * centred_BV.sign() * (1 - 2 * centred_BV.abs()).log()


class StudentT(nn.Module):
    """Student's t of unit scale, as in Mathieu et al. 2019: heavy tails favour the axes."""

    scale_V: Tensor

    def __init__(self, count: int, degrees: float) -> None:
        super().__init__()
        self.count, self.uniform_count = count, 2 * count
        self.degrees = degrees
        # Up to two degrees of freedom the variance is infinite.
        scale = math.sqrt(degrees / (degrees - 2)) if degrees > 2 else 1.0
        self.register_buffer("scale_V", torch.full((count,), scale), persistent=False)

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return Student's log-densities."""
        half = 0.5 * (self.degrees + 1)
        constant = math.lgamma(half) - math.lgamma(0.5 * self.degrees)
        constant -= 0.5 * math.log(self.degrees * math.pi)
        return constant - half * torch.log1p(z_BV.square() / self.degrees)

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return log q(z_v|x) - log p(z_v) at the sample, an unbiased estimate."""
        return normal_log_density(z_BV, loc_BV, scale_BV) - self.log_density(z_BV)

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return sqrt(nu (u^(-2/nu) - 1)) cos(2 pi w) of two uniforms (Bailey 1994)."""
        radial_BV, angular_BV = open_interval(uniform_BU).chunk(2, dim=1)
        square_BV = self.degrees * torch.expm1(-2 / self.degrees * radial_BV.log())
        return square_BV.sqrt() * torch.cos(2 * math.pi * angular_BV)


class SpikeSlab(nn.Module):
    """(1 - gamma) N(0, 1) + gamma N(0, spike_scale^2) (the sparse prior of Mathieu et al. 2019)."""

    scale_V: Tensor

    def __init__(self, count: int, gamma: float, spike_scale: float) -> None:
        super().__init__()
        self.count, self.uniform_count = count, 2 * count
        self.gamma, self.spike_scale = gamma, spike_scale
        scale = math.sqrt(1 - gamma + gamma * spike_scale**2)
        self.register_buffer("scale_V", torch.full((count,), scale), persistent=False)

    def log_density(self, z_BV: Tensor) -> Tensor:
        """Return the log-densities of the mixture of slab and spike."""
        slab_BV = -0.5 * z_BV.square() + math.log1p(-self.gamma)
        log_spike = math.log(self.gamma) if self.gamma else -math.inf
        spike_BV = -0.5 * (z_BV / self.spike_scale).square() + log_spike
        return torch.logaddexp(slab_BV, spike_BV - math.log(self.spike_scale)) - _HALF_LOG_2PI

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return log q(z_v|x) - log p(z_v) at the sample, an unbiased estimate."""
        return normal_log_density(z_BV, loc_BV, scale_BV) - self.log_density(z_BV)

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return samples from the slab, scaled down where the first uniforms choose the spike."""
        which_BV, uniform_BV = uniform_BU.chunk(2, dim=1)
        slab_BV = normal_quantile(uniform_BV)
        return torch.where(which_BV < self.gamma, self.spike_scale * slab_BV, slab_BV)
