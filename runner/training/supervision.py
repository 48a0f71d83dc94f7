"""The loss of images whose class is known (semi-supervised training).

Shapes: L labelled images, P parameters of q(z|x), C H W image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.config import ALL, RunConfig
from runner.dataset import Dataset, Split
from runner.model import VAE, LatentSpace, given_class, log_q_of_classes
from runner.objective import Plan
from runner.training.batch import Batch
from runner.training.randomness import BatchSampler
from runner.training.weighted_terms import Sampled, weighted_terms


def labelled_batch_size(config: RunConfig) -> int:
    """Return L, the labelled images of a step; 0 where there are none."""
    if config.labels is None:
        return 0
    known = config.batch_size if config.labels == ALL else config.labels
    return config.objective.penalties.supervision.images or min(known, config.batch_size)


class LabelledImages:
    """Which labelled images stand beside the minibatch of a step."""

    def __init__(
        self, dataset: Dataset, split: Split, config: RunConfig, device: torch.device
    ) -> None:
        """Take the images of a split: of the training images those whose class is known.

        Of another split they are the first of the minibatch itself, all of whose classes count.

        Raises: ValueError for training images of which none are chosen, see
            :func:`runner.dataset.with_labels`.
        """
        self._dataset, self._split = dataset, split
        self._size = labelled_batch_size(config)
        self._rows_K = dataset.labelled_K if split is dataset.train else None
        if split is dataset.train and self._rows_K is None:
            raise ValueError("the dataset does not say which classes are known")
        known = self._size if self._rows_K is None else len(self._rows_K)
        self._sampler = BatchSampler(known, self._size, config.seed, device, "labelled order")

    def batch(self, indices_B: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return images as the networks see them, (L, C, H, W), and their classes, (L,)."""
        if self._rows_K is None:
            rows_L = indices_B[: self._size]
        else:
            rows_L = self._rows_K[self._sampler.batch(step)]
        classes_L, is_known_L = self._dataset.labels(self._split, rows_L)
        images_LCHW = self._dataset.kind.to_input(self._split.images(rows_L))
        return images_LCHW, torch.where(is_known_L, classes_L, -1)


@dataclass(frozen=True)
class GivenClass:
    """Labelled images as the networks see them, each with its class y in place of q(y|x)."""

    latents: LatentSpace
    """In which a category has a probability: never by the density of a relaxed sample, and never by
    one draw of it, since the class that is given is no draw of q(y|x)."""
    is_known_L: Tensor
    """Whether the class is known; of the others y is a sample of q(y|x)."""
    inferred_LP: Tensor
    """The parameters of q(y, z|x)."""
    given_LP: Tensor
    """Those of q(z|x, y), with y certain."""
    z_LW: Tensor
    """The class, and a sample of q(z|x, y)."""
    log_px_L: Tensor
    """log p(x|y, z), in nats."""
    log_qy_L: Tensor
    """log q(y|x), in nats, where the class is known."""

    def mean(self, values_L: Tensor) -> Tensor:
        """Return the mean over the images whose class is known; zero where there are none."""
        of_known_L = torch.where(self.is_known_L, values_L, 0)
        return of_known_L.sum() / self.is_known_L.sum().clamp_min(1)


def with_class(model: VAE, latents: LatentSpace, batch: Batch) -> GivenClass:
    """Return the labelled images of a batch, encoded, sampled and decoded with their class given.

    Shapes: of ``batch`` the labelled images, (L, C, H, W), their classes and noise.
    Raises: ValueError when these are missing.
    """
    images_LCHW, noise_LW = batch.labelled_images_LCHW, batch.labelled_noise_LW
    if images_LCHW is None or noise_LW is None or batch.classes_L is None:
        raise ValueError("this penalty needs images whose class is known")
    categorical = latents.with_categorical()
    density = latents.discrete.density
    is_exact = density == "relaxed" or (density == "drawn" and categorical.discrete.enumerated)
    is_known_L = batch.classes_L >= 0
    classes_L = batch.classes_L.clamp_min(0)
    inferred_LP = model.encode(images_LCHW)
    certain_LP = given_class(categorical, inferred_LP, classes_L)
    given_LP = torch.where(is_known_L[:, None], certain_LP, inferred_LP)
    z_LW = categorical.sample(given_LP, noise_LW)
    return GivenClass(
        categorical if is_exact else latents,
        is_known_L,
        inferred_LP,
        given_LP,
        z_LW,
        model.log_px_z(images_LCHW, z_LW),
        log_q_of_classes(categorical, inferred_LP).gather(0, classes_L[None])[0],
    )


def bound_given_class(given: GivenClass, classification: float | Tensor) -> Tensor:
    """Return the mean over labelled images of the loss of image and class, in nats.

    -E_q(z|x,y)[log p(x|y, z)] + KL(q(z|x, y)||p(z)) - log p(y) - classification * log q(y|x)

    where z is all that is latent beside the class y. The expectation is over one sample of z; the
    KL is in closed form where the prior has one. Discrete variables are categorical in it, however
    q(z) is estimated. This is minus Siddharth et al.'s E[log p(x, y, z)/q(y, z|x)] +
    (1 + classification) log q(y|x), in which log q(y|x) cancels once.

    Images whose class is not known do not count.

    Source: Siddharth et al. 2017; Kingma et al. 2014.
    """
    rate_L = given.latents.with_categorical().rate(given.z_LW, given.given_LP)
    return given.mean(rate_L - given.log_px_L - classification * given.log_qy_L)


def objective_given_class(
    given: GivenClass,
    plan: Plan,
    weights: Mapping[str, Tensor],
    classification: float | Tensor,
) -> Tensor:
    """Return the loss of the objective for labelled images with their class given, in nats.

    The terms and their weights are those of the objective, with y and a sample of q(z|x, y) in
    place of a sample of q(y, z|x), and log q(z|x, y) in place of log q(y, z|x). q(y, z) and its
    marginals are estimated from the labelled images of the step, each with the q(y|x) that the
    encoder infers, with the weights that they would have as a minibatch of all training images.
    Added to it is -classification * log q(y|x), the mean over the images whose class is known; of
    the others y is a sample of q(y|x).

    Where all weights are 1 this is :func:`bound_given_class`, but for the images of unknown class.

    Source: the notebook of HFVAE's authors (probtorch, marginal ELBO with labels).
    """
    sampled = Sampled(
        given.z_LW, given.given_LP, -given.log_px_L.mean(), inferred_BP=given.inferred_LP
    )
    terms = weighted_terms(given.latents, plan, weights, sampled, with_terms=False, plain=False)
    return terms.loss - classification * given.mean(given.log_qy_L)
