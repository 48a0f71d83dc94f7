"""The likelihoods p(x|z), parametrised by the decoder's output.

Shapes: B images, C H W image, L grey levels, K = C or C*L channels of the decoder's output; pixels
run from 0 to 1, except under ``mean: linear``, which takes any real number.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.config import CategoricalConfig, LikelihoodConfig, ScaledConfig
from runner.errors import UsageError, nearest
from runner.model.cross_entropy import cross_entropy


class Likelihood(nn.Module, ABC):
    """A distribution over images given the decoder's output; pixels are independent given it."""

    def channels(self, image_channels: int) -> int:
        """Return how many channels the decoder's output must have."""
        return image_channels

    @abstractmethod
    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return log p(x|z) summed over channels and pixels, (B,), in nats."""

    @abstractmethod
    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the expected image, (B, C, H, W)."""

    def output_of(self, mean_BCHW: Tensor) -> Tensor:
        """Return a decoder's output with an expected image, (B, K, H, W).

        Raises: NotImplementedError where the mean alone does not say it.
        """
        raise NotImplementedError

    def expected(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:  # noqa: ARG002
        """Return the expectation that an image is compared with, (B, C, H, W): the mean."""
        return self.mean(output_BKHW)


class Bernoulli(Likelihood):
    """Bernoulli pixels; a grey value counts as the probability of white.

    On grey images this is a cross-entropy, not a likelihood: it has a positive floor.
    """

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return -cross-entropy of the logits, from logits for float32's sake."""
        return -cross_entropy(output_BKHW, images_BCHW)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the probabilities."""
        return torch.sigmoid(output_BKHW)

    def output_of(self, mean_BCHW: Tensor) -> Tensor:
        """Return logits of probabilities, none of them nearer to 0 or 1 than a grey level is."""
        return torch.logit(mean_BCHW, eps=_GREY_LEVEL)


class ContinuousBernoulli(Likelihood):
    """The density on [0, 1] proportional to the Bernoulli's cross-entropy, exp(x * logit).

    Source: Loaiza-Ganem & Cunningham 2019.
    """

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the log-density, in nats: (x - 1/2) logit - log(sinh(logit/2) / (logit/2))."""
        log_density = (images_BCHW - 0.5) * output_BKHW - _log_sinhc(output_BKHW)
        return log_density.flatten(1).sum(1)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the means, 1/2 + coth(logit/2)/2 - 1/logit, which are not the probabilities."""
        small = output_BKHW.clamp(-_SMALL, _SMALL)
        square = small.square()
        series = small * (1 / 12 + square * (-1 / 720 + square * (1 / 30240 - square / 1209600)))
        large = torch.where(output_BKHW.abs() < _SMALL, _SMALL, output_BKHW)
        closed = 0.5 / torch.tanh(large / 2) - 1 / large
        return 0.5 + torch.where(output_BKHW.abs() < _SMALL, series, closed)


_GREY_LEVEL = 1 / 256
"""A mean of exactly 0 or 1 would make another value impossible."""

_SMALL = 0.5
"""Below this logit a series is exact to 1e-11, while the closed form divides zero by zero."""


def _log_sinhc(logits: Tensor) -> Tensor:
    """Return log(sinh(l/2) / (l/2)), without overflow, and with a gradient at zero."""
    square = logits.clamp(-_SMALL, _SMALL).square()
    series = square * (1 / 24 + square * (-1 / 2880 + square * (1 / 181440 - square / 9676800)))
    large = logits.abs().clamp(min=_SMALL)
    closed = large / 2 + torch.log(-torch.expm1(-large) / large)
    return torch.where(logits.abs() < _SMALL, series, closed)


class Scaled(Likelihood):
    """Pixels with one density around their means, all with one scale, which may be learned.

    A learned scale starts at the configured one. A fixed scale stays out of ``state_dict()``: the
    configuration holds it.
    """

    log_scale: Tensor

    def __init__(self, log_density: Callable[[Tensor], Tensor], config: ScaledConfig) -> None:
        super().__init__()
        self.log_density = log_density
        self.to_mean = _MEANS[config.mean]
        log_scale = torch.tensor(math.log(config.scale))
        if config.learned:
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale, persistent=False)

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the log-density, constants included, in nats."""
        standard_BCHW = (images_BCHW - self.mean(output_BKHW)) * (-self.log_scale).exp()
        return (self.log_density(standard_BCHW) - self.log_scale).flatten(1).sum(1)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the means: the logistic of the output, or the output itself."""
        return self.to_mean(output_BKHW)

    def output_of(self, mean_BCHW: Tensor) -> Tensor:
        """Return the output of which these are the means."""
        return mean_BCHW if self.to_mean is _linear else torch.logit(mean_BCHW, eps=_GREY_LEVEL)


class Categorical(Likelihood):
    """Pixels of equally spaced grey levels, the first black, the last white.

    Channels of the output: the L logits of the image's first channel, then those of its second...
    This is a probability, not a density: nats of different ``levels`` do not compare.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    def channels(self, image_channels: int) -> int:
        """Return a channel for every level of every channel."""
        return image_channels * self.levels

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the log-probability of each pixel's nearest level, in nats."""
        levels_BCHW = (images_BCHW * (self.levels - 1)).round().long()
        logits_BLCHW = self._logits(output_BKHW).transpose(1, 2)
        loss = F.cross_entropy(logits_BLCHW, levels_BCHW, reduction="none")
        return -loss.flatten(1).sum(1)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the expected grey values."""
        probabilities_BCLHW = self._logits(output_BKHW).softmax(2)
        greys_L = torch.linspace(0, 1, self.levels).to(output_BKHW)
        return torch.einsum("bclhw,l->bchw", probabilities_BCLHW, greys_L)

    def _logits(self, output_BKHW: Tensor) -> Tensor:
        return output_BKHW.unflatten(1, (-1, self.levels))


class Multinomial(Likelihood):
    """Counts of words: each word of a document is drawn from the softmax of the output.

    The multinomial coefficient, which no model changes, is left out, as in the literature.
    """

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the log-probability of a document's words in their order, in nats."""
        log_p_BV = output_BKHW.flatten(1).log_softmax(1)
        return (images_BCHW.flatten(1) * log_p_BV).sum(1)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the probabilities of the words, the expected counts of one word."""
        return output_BKHW.flatten(1).softmax(1).view_as(output_BKHW)

    def expected(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the expected counts of a document of the same length."""
        length_B111 = images_BCHW.flatten(1).sum(1).view(-1, 1, 1, 1)
        return self.mean(output_BKHW) * length_B111


def build_likelihood(config: LikelihoodConfig) -> Likelihood:
    """Return the likelihood of a configuration.

    Raises: UsageError when no likelihood has that name, or a setting makes no sense.
    """
    if config.name not in LIKELIHOODS:
        raise UsageError(f"unknown likelihood '{config.name}'", nearest(config.name, LIKELIHOODS))
    return LIKELIHOODS[config.name](config)


def _normal(standard: Tensor) -> Tensor:
    return -0.5 * standard.square() - 0.5 * math.log(2 * math.pi)


def _laplace(standard: Tensor) -> Tensor:
    return -standard.abs() - math.log(2)


def _linear(output: Tensor) -> Tensor:
    return output


_MEANS: dict[str, Callable[[Tensor], Tensor]] = {"logistic": torch.sigmoid, "linear": _linear}


def _scaled(config: LikelihoodConfig, log_density: Callable[[Tensor], Tensor]) -> Likelihood:
    if not isinstance(config, ScaledConfig):
        raise TypeError(f"{config.name} needs its own settings")
    if not 0 < config.scale < math.inf:
        raise UsageError(f"likelihood.scale must be a positive number, got {config.scale}")
    if config.mean not in _MEANS:
        raise UsageError(
            f"likelihood.mean must be one of {', '.join(_MEANS)}, got '{config.mean}'",
            nearest(config.mean, _MEANS),
        )
    return Scaled(log_density, config)


def _categorical(config: LikelihoodConfig) -> Likelihood:
    if not isinstance(config, CategoricalConfig):
        raise TypeError("categorical needs its own settings")
    if not 2 <= config.levels <= 256:
        raise UsageError(f"likelihood.levels must be between 2 and 256, got {config.levels}")
    return Categorical(config.levels)


LIKELIHOODS: dict[str, Callable[[LikelihoodConfig], Likelihood]] = {
    "bernoulli": lambda _: Bernoulli(),
    "continuous_bernoulli": lambda _: ContinuousBernoulli(),
    "gaussian": lambda config: _scaled(config, _normal),
    "laplace": lambda config: _scaled(config, _laplace),
    "categorical": _categorical,
    "multinomial": lambda _: Multinomial(),
}
