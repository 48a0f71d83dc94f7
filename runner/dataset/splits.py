"""A dataset: splits of images, their ground-truth factors, and the names of these.

Shapes: N images of a split, B images of a minibatch, F factors, C H W image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from runner.dataset.kinds import IMAGES, Kind

_SOME = 2000
"""Images of ``probe_images``."""


@dataclass(frozen=True)
class Factor:
    """A ground-truth factor with the values 0 to ``size`` - 1; a class label is a factor too."""

    name: str
    size: int


class Split(Protocol):
    """Images for training, or for evaluation, with their factors."""

    @property
    def size(self) -> int:
        """N, the number of images."""
        ...

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images as they are stored, (B, C, H, W), for int64 indices on the split's device.

        ``Dataset.kind`` says what a model sees of them.
        """
        ...

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return the factors of images, (B, F), int64, for int64 indices on the same device."""
        ...


@dataclass(frozen=True, eq=False)
class ResidentSplit:
    """Images and factors that are tensors on the device."""

    images_NCHW: Tensor
    factors_NF: Tensor

    @property
    def size(self) -> int:
        """N, the number of images."""
        return len(self.images_NCHW)

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images as they are stored, (B, C, H, W)."""
        return self.images_NCHW[indices_B]

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return the factors of images, (B, F)."""
        return self.factors_NF[indices_B]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test images, and the names of their factors."""

    name: str
    train: Split
    test: Split
    has_test_split: bool
    """Whether ``test`` has no image of ``train``; for a full factor grid both are all images."""
    factors: tuple[Factor, ...]
    shape: tuple[int, int, int]
    """C, H, W."""
    class_factor: str | None
    """The factor that is the class, which a Concrete variable should find; None without factors."""
    class_names: tuple[str, ...]
    """The names of the values of ``class_factor``; empty where there is none."""
    held_out_combinations: Split | None = None
    """Images left out of training because of the combination of their factors, if any."""
    validation: Split | None = None
    """Images of the training split that are set aside to validate on, if any."""
    digest: str | None = None
    """Tells the user's own images and their factors from others; None for published ones."""
    is_factor_grid: bool = True
    """Whether, without a test split, there is one image of each combination of factors."""
    labelled_K: Tensor | None = None
    """Indices of the training images whose class training knows; None: of all that have one."""
    kind: Kind = IMAGES
    """What the examples are, and what a model sees of them."""
    value_names: tuple[str, ...] = ()
    """The names of the values of an example, in order, such as the words that are counted; empty
    where they have none, as pixels."""

    def probe_images(self, device: torch.device) -> Tensor:
        """Return up to 2,000 training images as a model sees them, the same at every call.

        ``device`` is the dataset's.

        Shapes: (N, C, H, W), floating point.
        """
        order_N = torch.randperm(self.train.size, generator=torch.Generator().manual_seed(0))
        return self.kind.to_input(self.train.images(order_N[:_SOME].to(device)))

    @property
    def classes(self) -> int:
        """The number of values of ``class_factor``."""
        return len(self.class_names)

    @property
    def class_column(self) -> int | None:
        """The place of ``class_factor`` among the factors; None where there is none."""
        names = [factor.name for factor in self.factors]
        return None if self.class_factor is None else names.index(self.class_factor)

    def labels(self, split: Split, indices_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the class of each example, (B,), int64, and whether it is known, (B,), bool.

        A negative value of ``class_factor`` marks an example whose class is not known, and so
        does ``labelled_K`` among the training images.
        """
        if self.class_column is None:
            unknown_B = torch.full_like(indices_B, -1)
            return unknown_B, unknown_B >= 0
        labels_B = split.factors(indices_B)[:, self.class_column]
        is_known_B = labels_B >= 0
        if split is self.train and self.labelled_K is not None:
            is_known_B = is_known_B & torch.isin(indices_B, self.labelled_K)
        return labels_B, is_known_B
