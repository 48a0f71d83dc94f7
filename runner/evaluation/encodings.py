"""The images that a model is evaluated on, encoded once for all figures.

Shapes: M images and encodings, P parameters of q(z|x), W columns of z, F factors, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Dataset, Split
from runner.evaluation.representation import Representation

_CHUNK = 500
"""Images that are drawn from q(z|x) at a time; with others the samples would be others."""

_AT_ONCE = 50
"""Images that a network sees at a time on a CPU: the activations of a convolutional network stay
small."""

_EVALUATED = 10_000
"""Images that are evaluated, at most, where all encodings stand behind q(z)."""

_ORDER = 0
"""Seed of the order of :meth:`Encodings.mixed`."""


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
    rest_KP: Tensor | None = None
    """Parameters of q(z|x) of further images, which stand behind q(z) and are not evaluated."""

    def __len__(self) -> int:
        return len(self.indices_M)

    @property
    def behind(self) -> Tensor:
        """The parameters of all encodings behind q(z), (M + K, P), those of the set first."""
        if self.rest_KP is None:
            return self.parameters_MP
        return torch.cat([self.parameters_MP, self.rest_KP])

    @property
    def count_behind(self) -> int:
        """M + K, the number of encodings behind q(z)."""
        return len(self) + (0 if self.rest_KP is None else len(self.rest_KP))

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

    def mixed(self, count: int) -> Encodings:
        """Return the same images, the first ``count`` of them in an order that is random.

        The order is the same at every call, so that nothing else that is drawn depends on it.
        """
        source = Generator().manual_seed(_ORDER)
        order_M = torch.arange(len(self))
        order_M[:count] = torch.randperm(count, generator=source)
        return self._in_order(order_M.to(self.indices_M.device))

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


def encode_for_evaluation(
    model: Representation, dataset: Dataset, encodings: int | Literal["all"], source: Generator
) -> Encodings:
    """Return the encodings of evaluated images of the test split, as many as there are to be.

    With ``all``, those of all other images stand behind q(z) besides.
    """
    if encodings != "all":
        return encode(model, dataset.test, encodings, source)
    return with_all(model, dataset, encode(model, dataset.test, _EVALUATED, source))


def count_of_encodings(dataset: Dataset, encodings: int | Literal["all"]) -> int:
    """Return how many encodings :func:`encode_for_evaluation` has behind q(z)."""
    if encodings != "all":
        return min(encodings, dataset.test.size)
    evaluated = min(_EVALUATED, dataset.test.size)
    return evaluated + dataset.train.size if dataset.has_test_split else dataset.test.size


@torch.no_grad()
def with_all(model: Representation, dataset: Dataset, encodings: Encodings) -> Encodings:
    """Return the same encodings with those of all other images behind q(z), each weighing as much.

    These are the training images where there is a test split, so that q(z) is the mean over them
    and the evaluated ones; where there is none, the rest of all images.

    An evaluated image is always one of those behind q(z): the log of a mixture without its own
    encoding has no bound, and I(x; z) and the total correlations would be too large.
    """
    split = dataset.train if dataset.has_test_split else dataset.test
    is_rest_N = torch.ones(split.size, dtype=torch.bool, device=encodings.indices_M.device)
    if not dataset.has_test_split:
        is_rest_N[encodings.indices_M] = False
    indices_K = is_rest_N.nonzero()[:, 0]
    encode_all = model.bulk_encoder()
    # Filled in place: small tensors kept between large ones would hold on to the heap.
    rest_KP = encodings.parameters_MP.new_empty(len(indices_K), encodings.parameters_MP.shape[1])
    starts = range(0, len(indices_K), _CHUNK)
    for first in progress.counted(starts, "encoding all images", len(starts)):
        images_BCHW = split.images(indices_K[first : first + _CHUNK])
        rest_KP[first : first + _CHUNK] = _in_parts(encode_all, images_BCHW)
    return replace(encodings, rest_KP=rest_KP, dataset_size=len(encodings) + len(rest_KP))
