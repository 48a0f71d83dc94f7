"""Datasets that a user's file adds: loaded, and looked at before they are used.

Shapes: B images, F factors, C H W image.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from runner.config import DatasetConfig
from runner.dataset.kinds import IMAGES
from runner.dataset.splits import Dataset, Split
from runner.errors import DataError
from runner.plugins import Piece, call, wrong

_SOME = 256
"""Images of a split that are looked at."""


def load(piece: Piece, config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return an own dataset.

    Raises: UsageError where its function fails; DataError where what it returns is none.
    """
    settings = {name: getattr(config, name) for name in piece.types()}
    dataset = call(piece, data_dir, device, **settings)
    if not isinstance(dataset, Dataset):
        what = f"it must return a runner.dataset.Dataset, not {type(dataset).__name__}"
        raise DataError(wrong(piece, what))
    for what in _problems(dataset, device):
        raise DataError(wrong(piece, what))
    return dataset


def _problems(dataset: Dataset, device: torch.device) -> Iterator[str]:
    """Yield what is wrong with the parts of a dataset."""
    names = [factor.name for factor in dataset.factors]
    if len(set(names)) < len(names):
        yield "two of its factors have one name"
    if dataset.class_factor is not None:
        sizes = {factor.name: factor.size for factor in dataset.factors}
        if dataset.class_factor not in sizes:
            yield f"its class_factor '{dataset.class_factor}' is none of its factors"
        elif sizes[dataset.class_factor] != len(dataset.class_names):
            count = len(dataset.class_names)
            yield f"its class has {sizes[dataset.class_factor]} values and {count} class_names"
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        yield from _problems_of(dataset, name, split, device)


def _problems_of(dataset: Dataset, name: str, split: Split, device: torch.device) -> Iterator[str]:
    if split.size < 1:
        yield f"its {name} split has no images"
        return
    indices_B = torch.linspace(0, split.size - 1, min(split.size, _SOME)).long().to(device)
    images_BCHW, factors_BF = split.images(indices_B), split.factors(indices_B)
    expected = (len(indices_B), *dataset.shape)
    if tuple(images_BCHW.shape) != expected:
        yield f"{name} images must have the shape {expected}, and have {tuple(images_BCHW.shape)}"
    if dataset.kind is IMAGES and images_BCHW.dtype != torch.uint8:
        yield f"{name} images must be bytes (torch.uint8), from 0 to 255, not {images_BCHW.dtype}"
    if tuple(factors_BF.shape) != (len(indices_B), len(dataset.factors)):
        yield f"{name} factors must have a column for each of its {len(dataset.factors)} factors"
    elif factors_BF.dtype != torch.int64:
        yield f"{name} factors must be whole numbers (torch.int64), not {factors_BF.dtype}"
    else:
        for column, factor in enumerate(dataset.factors):
            if int(factors_BF[:, column].max()) >= factor.size:
                yield f"{name} factor '{factor.name}' has values beyond its {factor.size}"
