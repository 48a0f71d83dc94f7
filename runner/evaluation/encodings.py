"""The images that a model is evaluated on, encoded once for all figures.

Shapes: M images and encodings, P parameters of q(z|x), W columns of z, F factors, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Split
from runner.evaluation.representation import Representation

_CHUNK = 500
"""Images that are drawn from q(z|x) at a time; with others the samples would be others."""

_AT_ONCE = 50
"""Images that a network sees at a time on a CPU: the activations of a convolutional network stay
small."""


@dataclass(frozen=True)
class Encodings:
    """A fixed set of images under a model."""

    indices_M: Tensor
    parameters_MP: Tensor
    z_MW: Tensor
    """A sample from each q(z|x); of a Concrete variable the one-hot vector of a category."""
    mean_MW: Tensor
    """The mean representation: means, and probabilities of categories."""
    log_px_z_M: Tensor
    factors_MF: Tensor
    dataset_size: int
    """N, the number of images that the set is a sample of."""

    def __len__(self) -> int:
        return len(self.indices_M)

    def shuffled(self, source: Generator) -> Encodings:
        """Return the same images in a random order, so that the first are a random sample."""
        return self._in_order(torch.randperm(len(self), generator=source, device=source.device))

    def spread(self, count: int) -> Encodings:
        """Return the same images, the first ``count`` of them evenly spaced among all."""
        device = self.indices_M.device
        chosen = torch.linspace(0, len(self) - 1, count, dtype=torch.float64).round().long()
        others = torch.ones(len(self), dtype=torch.bool)
        others[chosen] = False
        return self._in_order(torch.cat([chosen, others.nonzero()[:, 0]]).to(device))

    def _in_order(self, order_M: Tensor) -> Encodings:
        return replace(
            self,
            indices_M=self.indices_M[order_M],
            parameters_MP=self.parameters_MP[order_M],
            z_MW=self.z_MW[order_M],
            mean_MW=self.mean_MW[order_M],
            log_px_z_M=self.log_px_z_M[order_M],
            factors_MF=self.factors_MF[order_M],
        )


@torch.no_grad()
def encode(model: Representation, split: Split, count: int, source: Generator) -> Encodings:
    """Return the encodings of a split, or of ``count`` of its images sampled without repetition.

    A Concrete variable counts as the categorical variable that it relaxes: the decoder is given
    one-hot vectors, so that the ELBO is a bound for the discrete model.
    """
    indices_M = choose(split.size, count, source)
    parameters, samples, log_px_z = [], [], []
    chunks = indices_M.split(_CHUNK)
    for chunk in progress.counted(chunks, "encoding", len(chunks)):
        images_BCHW = split.images(chunk)
        parameters_BP = _in_parts(model.encode, images_BCHW)
        z_BW = model.sample(parameters_BP, source)
        parameters.append(parameters_BP)
        samples.append(z_BW)
        log_px_z.append(_in_parts(model.log_px_z, images_BCHW, z_BW))
    parameters_MP = torch.cat(parameters)
    return Encodings(
        indices_M=indices_M,
        parameters_MP=parameters_MP,
        z_MW=torch.cat(samples),
        mean_MW=model.mean(parameters_MP),
        log_px_z_M=torch.cat(log_px_z),
        factors_MF=split.factors(indices_M),
        dataset_size=split.size,
    )


def _in_parts(network: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Return what a network gives for some images, from parts of them on a CPU."""
    most = _AT_ONCE if inputs[0].device.type == "cpu" else len(inputs[0])
    parts = zip(*(each.split(most) for each in inputs), strict=True)
    return torch.cat([network(*part) for part in parts])


def choose(size: int, count: int, source: Generator) -> Tensor:
    """Return ``count`` random indices below ``size``, or all of them in order."""
    if size <= count:
        return torch.arange(size, device=source.device)
    return torch.randperm(size, generator=source, device=source.device)[:count]
