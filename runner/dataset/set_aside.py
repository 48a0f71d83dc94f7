"""The validation part: training images that are set aside, and that training never sees.

Shapes: N images of a split.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator

from runner.config import ValidationConfig
from runner.dataset.splits import Dataset
from runner.dataset.subset import SubsetSplit
from runner.errors import UsageError

_LEAST = 2
"""Images of either part: q(z) is a mean over several encodings."""


def set_aside(dataset: Dataset, settings: ValidationConfig, device: torch.device) -> Dataset:
    """Return the dataset with some of its training images as ``validation`` instead.

    Without validations it stays as it is. The images depend on ``settings.seed`` alone, so that
    runs with other seeds are validated on the same ones. The test split is not touched.

    Raises: UsageError when too few images are left for either part.
    """
    if settings.every is None:
        return dataset
    size = dataset.train.size
    is_share = settings.images < 1
    count = round(settings.images * size) if is_share else int(settings.images)
    if not _LEAST <= count <= size - _LEAST:
        left = "train on" if count > size - _LEAST else "validate on"
        raise UsageError(
            f"validation.images={settings.images:g} of the {size:,} training images of "
            f"{dataset.name} leaves too few to {left}",
            None if is_share else "a share works for any number of images: validation.images=0.1",
        )
    order_N = torch.randperm(size, generator=Generator().manual_seed(settings.seed))
    # Both in the order of the files, which reads memory-mapped images from front to back.
    rows = (part_N.sort().values.to(device) for part_N in (order_N[:count], order_N[count:]))
    validation, train = (SubsetSplit(dataset.train, rows_N) for rows_N in rows)
    return replace(dataset, train=train, validation=validation)
