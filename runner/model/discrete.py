"""The discrete variables of q(z|x): relaxed for the decoder, categorical in the objective.

Shapes: B samples, M encodings, K categories, W columns of z, P parameters of q(z|x).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Generator, Tensor

from runner.config import DiscreteKind
from runner.errors import UsageError

_CERTAIN = 1e4
"""A logit so far from others that its exponential is exactly zero or one in every precision."""


class Discrete(Protocol):
    """One variable with K values, whose samples are relaxed (Maddison et al. 2017)."""

    @property
    def categories(self) -> int:
        """K, the number of values."""
        ...

    @property
    def width(self) -> int:
        """W, its columns of z, and P, its parameters from the encoder."""
        ...

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the noise of ``samples`` samples, (B, W), on the generator's device."""
        ...

    def sample(
        self, parameters_BP: Tensor, noise_BW: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return a differentiable relaxed sample, (B, W)."""
        ...

    def log_q(self, parameters_MP: Tensor) -> Tensor:
        """Return log q(k|x_j) of every category and encoding, (K, M)."""
        ...

    def parameters(self, log_q_KM: Tensor) -> Tensor:
        """Return parameters whose :meth:`log_q` this is, (M, P)."""
        ...

    def log_p(self, like: Tensor) -> Tensor:
        """Return log p(k), (K,), with the dtype and device of ``like``."""
        ...

    def category(self, z_BW: Tensor) -> Tensor:
        """Return the category of a relaxed sample, (B,), int64."""
        ...

    def as_value(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return the columns of z of a category, (B, W)."""
        ...

    def certain(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return the parameters of a variable whose category is known, (B, W)."""
        ...

    def probabilities(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean representation, (B, W)."""
        ...

    def shares(self, z_BW: Tensor) -> Tensor:
        """Return how much of a relaxed sample belongs to each category, (B, K); a sum of one."""
        ...

    def log_relaxed(
        self, z_BW: Tensor, parameters_MP: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return the log-density of relaxed samples under every encoding, (B, M)."""
        ...

    def log_relaxed_prior(self, z_BW: Tensor, temperature: float | Tensor) -> Tensor:
        """Return the log-density of relaxed samples under the relaxed prior, (B,)."""
        ...


@dataclass(frozen=True)
class Concrete:
    """A categorical variable with a uniform prior: one column of z and one logit a category."""

    categories: int

    @property
    def width(self) -> int:
        """One column a category."""
        return self.categories

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return standard Gumbel noise."""
        uniform_BK = torch.rand(
            samples, self.categories, generator=generator, device=generator.device
        )
        tiny = torch.finfo(uniform_BK.dtype).tiny
        exponential_BK = -uniform_BK.clamp_min(tiny).log()
        return -exponential_BK.clamp_min(tiny).log()

    def sample(
        self, parameters_BP: Tensor, noise_BW: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return softmax((logits + Gumbel noise) / temperature)."""
        return F.softmax((parameters_BP + noise_BW) / temperature, dim=1)

    def log_q(self, parameters_MP: Tensor) -> Tensor:
        """Return the logarithm of the softmax of the logits."""
        return F.log_softmax(parameters_MP, dim=1).T

    def parameters(self, log_q_KM: Tensor) -> Tensor:
        """Return the log-probabilities as logits."""
        return log_q_KM.T

    def log_p(self, like: Tensor) -> Tensor:
        """Return -log K for every category."""
        return like.new_full((self.categories,), -math.log(self.categories))

    def category(self, z_BW: Tensor) -> Tensor:
        """Return the index of the largest entry."""
        return z_BW.argmax(1)

    def as_value(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return one-hot vectors."""
        # A comparison: torch.func.vmap has no one_hot.
        categories_K = torch.arange(self.categories, device=category_B.device)
        return (category_B[:, None] == categories_K).to(like.dtype)

    def certain(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return logits of zero at the category, and far below elsewhere."""
        return _CERTAIN * (self.as_value(category_B, like) - 1)

    def probabilities(self, parameters_BP: Tensor) -> Tensor:
        """Return the softmax of the logits."""
        return F.softmax(parameters_BP, dim=1)

    def shares(self, z_BW: Tensor) -> Tensor:
        """Return the sample itself."""
        return z_BW

    def log_relaxed(
        self, z_BW: Tensor, parameters_MP: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return the Concrete log-density on the simplex (Maddison et al. 2017, equation 10)."""
        tiny = torch.finfo(z_BW.dtype).tiny
        log_z_BK = z_BW.clamp_min(tiny).log()
        log_q_MK = F.log_softmax(parameters_MP, dim=1)
        # The sum over categories as a matrix product, each row scaled by its largest power.
        power_BK = -temperature * log_z_BK
        top_B1 = power_BK.detach().amax(1, keepdim=True)
        sums_BM = (power_BK - top_B1).exp() @ log_q_MK.exp().T
        log_sums_BM = sums_BM.clamp_min(tiny).log() + top_B1
        scale = torch.as_tensor(temperature, dtype=z_BW.dtype).log() * (self.categories - 1)
        total_BM = log_q_MK.sum(1) - self.categories * log_sums_BM
        shape = math.lgamma(self.categories) + scale
        return shape + total_BM - (temperature + 1) * log_z_BK.sum(1)[:, None]

    def log_relaxed_prior(self, z_BW: Tensor, temperature: float | Tensor) -> Tensor:
        """Return the density with equal logits."""
        return self.log_relaxed(z_BW, z_BW.new_zeros(1, self.categories), temperature)[:, 0]


@dataclass(frozen=True)
class Bernoulli:
    """A variable that is 0 or 1: one column of z and one logit."""

    probability: float
    """Of a one, under the prior."""

    categories = 2
    width = 1

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return standard logistic noise."""
        uniform_B1 = torch.rand(samples, 1, generator=generator, device=generator.device)
        return torch.logit(uniform_B1, eps=torch.finfo(uniform_B1.dtype).eps)

    def sample(
        self, parameters_BP: Tensor, noise_BW: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return the logistic of (logit + logistic noise) / temperature."""
        return torch.sigmoid((parameters_BP + noise_BW) / temperature)

    def log_q(self, parameters_MP: Tensor) -> Tensor:
        """Return log q(0|x_j) and log q(1|x_j)."""
        logit_M = parameters_MP[:, 0]
        return torch.stack([F.logsigmoid(-logit_M), F.logsigmoid(logit_M)])

    def parameters(self, log_q_KM: Tensor) -> Tensor:
        """Return the logit of a one."""
        return (log_q_KM[1] - log_q_KM[0])[:, None]

    def log_p(self, like: Tensor) -> Tensor:
        """Return the logarithms of 1 - p and p."""
        return like.new_tensor([math.log1p(-self.probability), math.log(self.probability)])

    def category(self, z_BW: Tensor) -> Tensor:
        """Return 1 above a half."""
        return (z_BW[:, 0] > 0.5).long()

    def as_value(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return the value itself."""
        return category_B[:, None].to(like.dtype)

    def certain(self, category_B: Tensor, like: Tensor) -> Tensor:
        """Return a logit far above or below zero."""
        return _CERTAIN * (2 * self.as_value(category_B, like) - 1)

    def probabilities(self, parameters_BP: Tensor) -> Tensor:
        """Return the probability of a one."""
        return torch.sigmoid(parameters_BP)

    def shares(self, z_BW: Tensor) -> Tensor:
        """Return what is missing from one, and the value itself."""
        return torch.cat([1 - z_BW, z_BW], dim=1)

    def log_relaxed(
        self, z_BW: Tensor, parameters_MP: Tensor, temperature: float | Tensor
    ) -> Tensor:
        """Return the binary Concrete log-density on (0, 1) (Maddison et al. 2017, appendix B)."""
        logit_B1 = torch.logit(z_BW, eps=torch.finfo(z_BW.dtype).eps)
        away_BM = temperature * logit_B1 - parameters_MP[:, 0]
        # A logistic density of the logit, times how much the logit moves with the value.
        moves_B1 = F.logsigmoid(logit_B1) + F.logsigmoid(-logit_B1)
        log_temperature = torch.as_tensor(temperature, dtype=z_BW.dtype).log()
        return log_temperature + F.logsigmoid(away_BM) + F.logsigmoid(-away_BM) - moves_B1

    def log_relaxed_prior(self, z_BW: Tensor, temperature: float | Tensor) -> Tensor:
        """Return the density with the prior's logit."""
        prior = math.log(self.probability) - math.log1p(-self.probability)
        return self.log_relaxed(z_BW, z_BW.new_full((1, 1), prior), temperature)[:, 0]


def build_discrete(kind: DiscreteKind, *, classes: int) -> Discrete:
    """Return the variable of a value of ``prior.discrete``.

    An integer from 2 on is the number of categories of a Concrete variable, null means the number
    of classes of the dataset, ``bernoulli`` is a fair coin, and a number between 0 and 1 is the
    probability of a one.

    Raises: UsageError when the dataset has no classes, and their number is asked for.
    """
    if kind is None and classes < 2:
        raise UsageError(
            "a discrete variable of the dataset's classes needs a dataset with classes",
            "give the number of its categories: prior.discrete={category: 10}",
        )
    if kind is None:
        return Concrete(classes)
    if kind == "bernoulli":
        return Bernoulli(0.5)
    return Concrete(kind) if isinstance(kind, int) else Bernoulli(kind)
