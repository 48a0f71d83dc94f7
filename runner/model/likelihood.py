"""p(x|z): how the decoder's output is compared with an image.

Shapes: B images, C H W image; pixels run from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from runner.config import GaussianConfig, LikelihoodConfig
from runner.errors import UsageError, nearest


class Likelihood(Protocol):
    """A distribution over images given the decoder's output."""

    def log_prob(self, output_BCHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return log p(x|z) summed over channels and pixels, (B,), in nats."""
        ...

    def mean(self, output_BCHW: Tensor) -> Tensor:
        """Return the expected image, pixels between 0 and 1."""
        ...


@dataclass(frozen=True)
class Bernoulli:
    """Independent Bernoulli pixels; a grey value counts as the probability of white.

    On grey images this is a cross-entropy, not a likelihood: it has a positive floor.
    """

    def log_prob(self, output_BCHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return -cross-entropy of the logits, from logits for float32's sake."""
        loss = F.binary_cross_entropy_with_logits(output_BCHW, images_BCHW, reduction="none")
        return -loss.flatten(1).sum(1)

    def mean(self, output_BCHW: Tensor) -> Tensor:
        """Return the probabilities."""
        return torch.sigmoid(output_BCHW)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal pixels around the logistic of the output, all with one scale."""

    scale: float

    def log_prob(self, output_BCHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return the normal log-density, constants included."""
        standard_BCHW = (images_BCHW - self.mean(output_BCHW)) / self.scale
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        return -(0.5 * standard_BCHW.square() + constant).flatten(1).sum(1)

    def mean(self, output_BCHW: Tensor) -> Tensor:
        """Return the means."""
        return torch.sigmoid(output_BCHW)


def build_likelihood(config: LikelihoodConfig) -> Likelihood:
    """Return the likelihood of a configuration.

    Raises: UsageError when no likelihood has that name.
    """
    if config.name not in LIKELIHOODS:
        raise UsageError(f"unknown likelihood '{config.name}'", nearest(config.name, LIKELIHOODS))
    return LIKELIHOODS[config.name](config)


def _gaussian(config: LikelihoodConfig) -> Likelihood:
    if not isinstance(config, GaussianConfig):
        raise TypeError("gaussian needs its own settings")
    return Gaussian(config.scale)


LIKELIHOODS: dict[str, Callable[[LikelihoodConfig], Likelihood]] = {
    "bernoulli": lambda _: Bernoulli(),
    "gaussian": _gaussian,
}
