"""The kinds of latent variable: how each is sampled, and its log-densities.

Shapes: B samples, M encodings, V variables of one kind, W columns of z they fill, P numbers the
encoder gives for them, K categories, A atoms (1, or K for the exact sum over a Concrete variable).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Generator, Tensor

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class Variables(Protocol):
    """Latent variables of one kind that are independent given the image."""

    @property
    def count(self) -> int:
        """V, the number of variables."""
        ...

    @property
    def width(self) -> int:
        """W, the columns of z that they fill."""
        ...

    @property
    def parameters(self) -> int:
        """P, the numbers the encoder gives for them."""
        ...

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the randomness of ``samples`` draws, (B, W), on the generator's device."""
        ...

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return a differentiable draw from q(z|x), (B, W)."""
        ...

    def log_pairs(self, sample_BW: Tensor, encodings_MP: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every sample under every encoding, (V, A, B, M)."""
        ...

    def log_own(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return log q(z_v|x_i) of every sample under its own encoding, (V, A, B)."""
        ...

    def log_prior(self, sample_BW: Tensor) -> Tensor:
        """Return log p(z_v) of every sample, (V, A, B)."""
        ...

    def atoms(self, parameters_BP: Tensor) -> Tensor:
        """Return the probability of each atom, (A, B)."""
        ...

    def rate(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)), in closed form where the density allows it, (B, V)."""
        ...

    def harden(self, sample_BW: Tensor) -> Tensor:
        """Return the value that a relaxed draw stands for: itself, or a one-hot vector."""
        ...

    def centre(self, parameters_BP: Tensor) -> Tensor:
        """Return the most typical value of q(z|x), (B, W): a mean, or probabilities."""
        ...

    def prior_sample(self, noise_BW: Tensor) -> Tensor:
        """Return a draw from p(z), (B, W)."""
        ...


@dataclass(frozen=True)
class Normals:
    """Normal variables with a standard normal prior.

    The encoder gives the means and then the log-scales.
    """

    count: int

    @property
    def width(self) -> int:
        """One column a variable."""
        return self.count

    @property
    def parameters(self) -> int:
        """A mean and a log-scale a variable."""
        return 2 * self.count

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return standard normal noise."""
        return torch.randn(samples, self.count, generator=generator, device=generator.device)

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return loc + scale * noise (Kingma & Welling 2014)."""
        loc_BV, log_scale_BV = parameters_BP.chunk(2, dim=1)
        return loc_BV + log_scale_BV.exp() * noise_BW

    def log_pairs(self, sample_BW: Tensor, encodings_MP: Tensor) -> Tensor:
        """Return the normal log-densities of all pairs.

        The difference is formed before it is scaled: the expanded square, though a matrix product,
        loses float32 digits as (|z|/scale)**2.
        """
        loc_MV, log_scale_MV = encodings_MP.chunk(2, dim=1)
        loc_VM, log_scale_VM = loc_MV.T[:, None, :], log_scale_MV.T[:, None, :]
        standard_VBM = (sample_BW.T[:, :, None] - loc_VM) * (-log_scale_VM).exp()
        return (-0.5 * standard_VBM.square() - (log_scale_VM + _HALF_LOG_2PI))[:, None]

    def log_own(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return the normal log-densities of the samples under their own encodings."""
        loc_BV, log_scale_BV = parameters_BP.chunk(2, dim=1)
        standard_BV = (sample_BW - loc_BV) * (-log_scale_BV).exp()
        return (-0.5 * standard_BV.square() - log_scale_BV - _HALF_LOG_2PI).T[:, None]

    def log_prior(self, sample_BW: Tensor) -> Tensor:
        """Return the standard normal log-densities."""
        return (-0.5 * sample_BW.square() - _HALF_LOG_2PI).T[:, None]

    def atoms(self, parameters_BP: Tensor) -> Tensor:
        """Return ones: a drawn value is its own single atom."""
        return parameters_BP.new_ones(1, len(parameters_BP))

    def rate(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:  # noqa: ARG002 - closed form
        """Return 1/2 (scale^2 + loc^2 - 1) - log scale."""
        loc_BV, log_scale_BV = parameters_BP.chunk(2, dim=1)
        return 0.5 * ((2 * log_scale_BV).exp() + loc_BV.square() - 1) - log_scale_BV

    def harden(self, sample_BW: Tensor) -> Tensor:
        """Return the sample: a normal draw is not relaxed."""
        return sample_BW

    def centre(self, parameters_BP: Tensor) -> Tensor:
        """Return the means."""
        return parameters_BP.chunk(2, dim=1)[0]

    def prior_sample(self, noise_BW: Tensor) -> Tensor:
        """Return the noise, which is standard normal."""
        return noise_BW


@dataclass(frozen=True)
class Concrete:
    """One categorical variable whose draw is relaxed, with a uniform prior.

    The decoder sees the relaxed draw (Maddison et al. 2017). In the terms the variable is the
    categorical one, q(k|x) = softmax of the encoder's logits, and ``density`` says how:

    ``exact``   the expectation over k is the sum over all K categories: no sampling noise, and the
                gradient is the objective's own.
    ``argmax``  the log-probability of the category at which the relaxed draw is largest, for
                samples and for the KL alike, as in the public code behind HFVAE. Its gradient
                ignores how the category depends on the encoder, so it is not the objective's.
    """

    categories: int
    temperature: float
    density: str

    count = 1

    @property
    def width(self) -> int:
        """One column a category."""
        return self.categories

    @property
    def parameters(self) -> int:
        """One logit a category."""
        return self.categories

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return standard Gumbel noise."""
        uniform_BK = torch.rand(
            samples, self.categories, generator=generator, device=generator.device
        )
        tiny = torch.finfo(uniform_BK.dtype).tiny
        exponential_BK = -uniform_BK.clamp_min(tiny).log()
        return -exponential_BK.clamp_min(tiny).log()

    def sample(self, parameters_BP: Tensor, noise_BW: Tensor) -> Tensor:
        """Return softmax((logits + Gumbel noise) / temperature)."""
        return F.softmax((parameters_BP + noise_BW) / self.temperature, dim=1)

    def log_pairs(self, sample_BW: Tensor, encodings_MP: Tensor) -> Tensor:
        """Return log q(k|x_j): for every category, or for the sample's own."""
        log_q_KM = F.log_softmax(encodings_MP, dim=1).T
        if self.density == "argmax":
            return log_q_KM[sample_BW.argmax(1)][None, None]
        return log_q_KM[None, :, None, :].expand(-1, -1, len(sample_BW), -1)

    def log_own(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return log q(k|x_i): for every category, or for the sample's own."""
        log_q_BK = F.log_softmax(parameters_BP, dim=1)
        if self.density == "argmax":
            return log_q_BK.gather(1, sample_BW.argmax(1, keepdim=True)).T[None]
        return log_q_BK.T[None]

    def log_prior(self, sample_BW: Tensor) -> Tensor:
        """Return -log K."""
        shape = (1, 1, len(sample_BW))
        return sample_BW.new_full(shape, -math.log(self.categories))

    def atoms(self, parameters_BP: Tensor) -> Tensor:
        """Return q(k|x_i) for every category, or a single one."""
        if self.density == "argmax":
            return parameters_BP.new_ones(1, len(parameters_BP))
        return F.softmax(parameters_BP, dim=1).T

    def rate(self, sample_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return sum_k q(k|x) log(K q(k|x)), or log(K q(k|x)) at the sample's own category."""
        log_ratio_AB = self.log_own(sample_BW, parameters_BP)[0] + math.log(self.categories)
        return (self.atoms(parameters_BP) * log_ratio_AB).sum(0)[:, None]

    def harden(self, sample_BW: Tensor) -> Tensor:
        """Return the one-hot vector of the largest entry."""
        return F.one_hot(sample_BW.argmax(1), self.categories).to(sample_BW.dtype)

    def centre(self, parameters_BP: Tensor) -> Tensor:
        """Return the probabilities."""
        return F.softmax(parameters_BP, dim=1)

    def prior_sample(self, noise_BW: Tensor) -> Tensor:
        """Return a uniformly drawn one-hot vector."""
        return self.harden(noise_BW)
