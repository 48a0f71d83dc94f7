"""The handwritten digits that come with scikit-learn: real images without a download.

Shapes: N images, C H W image.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from runner.dataset.splits import Dataset, Factor, ResidentSplit

_TRAIN = 1500
_SPLIT_SEED = 0
"""Seed of the split, which is the same for every run."""

_INK = 16
"""The largest value of scikit-learn's pixels, full ink."""


def load(device: torch.device) -> Dataset:
    """Return the 1,797 digits, 8x8: 1,500 for training and 297 for testing.

    Source: test set of the UCI digits (Alpaydin and Kaynak 1998), as scikit-learn ships it.
    """
    images_NCHW, labels_N1 = _read()
    order_N = torch.randperm(len(labels_N1), generator=Generator().manual_seed(_SPLIT_SEED))
    train, test = (
        ResidentSplit(images_NCHW[part].to(device), labels_N1[part].to(device))
        for part in (order_N[:_TRAIN], order_N[_TRAIN:])
    )
    return Dataset(
        name="digits",
        train=train,
        test=test,
        has_test_split=True,
        factors=(Factor("label", 10),),
        shape=(1, 8, 8),
        class_factor="label",
        class_names=tuple("0123456789"),
    )


def _read() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images_NCHW = (torch.as_tensor(pixels) * 255 / _INK).round().to(torch.uint8).view(-1, 1, 8, 8)
    return images_NCHW, torch.as_tensor(labels, dtype=torch.int64).unsqueeze(1)
