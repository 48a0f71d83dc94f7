"""The loss of images whose class is known (semi-supervised training).

Shapes: L labelled images, P parameters of q(z|x), C H W image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset, Split
from runner.model import VAE, LatentSpace, given_class, log_q_of_classes
from runner.training.batch import Batch
from runner.training.randomness import BatchSampler


def labelled_batch_size(config: RunConfig) -> int:
    """Return L, the labelled images of a step; 0 where there are none."""
    if config.labels is None:
        return 0
    return config.objective.penalties.supervision.images or min(config.labels, config.batch_size)


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


def supervised_loss(
    model: VAE, latents: LatentSpace, batch: Batch, classification: float | Tensor
) -> Tensor:
    """Return the mean over labelled images of the loss of image and class, in nats.

    -E_q(z|x,y)[log p(x|y, z)] + KL(q(z|x, y)||p(z)) - log p(y) - classification * log q(y|x)

    where z is all that is latent beside the class y. The expectation is over one sample of z; the
    KL is in closed form where the prior has one. Discrete variables are categorical in it, however
    q(z) is estimated. This is minus Siddharth et al.'s E[log p(x, y, z)/q(y, z|x)] +
    (1 + classification) log q(y|x), in which log q(y|x) cancels once.

    Shapes: of ``batch`` the labelled images, (L, C, H, W), their classes and noise; returns ().
    Raises: ValueError when these are missing.
    Source: Siddharth et al. 2017; Kingma et al. 2014.
    """
    images_LCHW, noise_LW = batch.labelled_images_LCHW, batch.labelled_noise_LW
    if images_LCHW is None or noise_LW is None or batch.classes_L is None:
        raise ValueError("this penalty needs images whose class is known")
    latents = latents.with_categorical()
    is_known_L = batch.classes_L >= 0
    classes_L = batch.classes_L.clamp_min(0)
    parameters_LP = model.encode(images_LCHW)
    given_LP = given_class(latents, parameters_LP, classes_L)
    z_LW = latents.sample(given_LP, noise_LW)
    log_q_L = log_q_of_classes(latents, parameters_LP).gather(0, classes_L[None])[0]
    loss_L = latents.rate(z_LW, given_LP) - model.log_px_z(images_LCHW, z_LW)
    loss_L = loss_L - classification * log_q_L
    return torch.where(is_known_L, loss_L, 0).sum() / is_known_L.sum().clamp_min(1)
