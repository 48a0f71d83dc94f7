"""The selection of training images: all, or all but some combinations of their factors.

Shapes: N images of a split, B images of a minibatch, F factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from runner.config import CorrelationConfig, DatasetConfig
from runner.dataset.splits import Dataset, Split
from runner.errors import UsageError, nearest

_SEED = 0
"""Seed of the selection, which is the same for every run."""


@dataclass(frozen=True, eq=False)
class SubsetSplit:
    """Some images of another split."""

    whole: Split
    rows_N: Tensor

    @property
    def size(self) -> int:
        """N, the number of images."""
        return len(self.rows_N)

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images as they are stored, (B, C, H, W)."""
        return self.whole.images(self.rows_N[indices_B])

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return the factors of images, (B, F)."""
        return self.whole.factors(self.rows_N[indices_B])


def select(dataset: Dataset, config: DatasetConfig, device: torch.device) -> Dataset:
    """Return the dataset with the training images that the settings select, and all test images.

    Raises: UsageError when the settings name an unknown factor or value, or select no image.
    """
    if config.hold_out:
        dataset = hold_out(dataset, config.hold_out, device)
    if config.correlated and config.correlated.factors:
        dataset = correlate(dataset, config.correlated, device)
    return dataset


def hold_out(dataset: Dataset, combination: Mapping[str, Any], device: torch.device) -> Dataset:
    """Return the dataset without a combination of factors in its training images.

    An image is held out where every factor of ``combination`` has one of the values given for it: a
    class name, or a number from 0 for any factor. These images are ``held_out_combinations``.

    Raises: UsageError for an unknown factor or value, and when no image or every image is held out.
    """
    factors_NF = _factors(dataset.train, device)
    is_held_N = torch.ones(len(factors_NF), dtype=torch.bool)
    for name, values in combination.items():
        column = _column(dataset, name, "dataset.hold_out")
        named = values if isinstance(values, list) else [values]
        wanted = [_value(dataset, name, value) for value in named]
        is_held_N &= torch.isin(factors_NF[:, column], torch.tensor(wanted, dtype=torch.int64))
    held = int(is_held_N.sum())
    if held in (0, len(is_held_N)):
        share = "no training image" if held == 0 else "every training image"
        raise UsageError(f"dataset.hold_out={dict(combination)} holds out {share}")
    held_out, train = (
        SubsetSplit(dataset.train, mask_N.nonzero()[:, 0].to(device))
        for mask_N in (is_held_N, ~is_held_N)
    )
    return replace(dataset, train=train, held_out_combinations=held_out)


def correlate(dataset: Dataset, config: CorrelationConfig, device: torch.device) -> Dataset:
    """Return the dataset with training images selected such that two factors are correlated.

    With u and v the factors' values scaled to [0, 1], an image is kept with probability
    exp(-(u - v)^2 / (2 width^2)). The same images are kept in every run.

    Raises: UsageError for an unknown factor, and when no image remains.
    Source: Träuble et al. 2021, "On Disentangled Representations Learned from Correlated Data".
    """
    factors_NF = _factors(dataset.train, device)
    u_N, v_N = (
        factors_NF[:, column].double() / max(1, dataset.factors[column].size - 1)
        for column in (_column(dataset, name, "dataset.correlated") for name in config.factors)
    )
    keep_N = (-((u_N - v_N) ** 2) / (2 * config.width**2)).exp()
    source = Generator().manual_seed(_SEED)
    is_kept_N = torch.rand(len(keep_N), generator=source, dtype=torch.float64) < keep_N
    if not is_kept_N.any():
        raise UsageError(f"dataset.correlated.width={config.width:g} leaves no training image")
    rows_N = is_kept_N.nonzero()[:, 0].to(device)
    return replace(dataset, train=SubsetSplit(dataset.train, rows_N))


def _factors(split: Split, device: torch.device) -> Tensor:
    """Return the factors of all images, on the CPU, so that every device selects the same."""
    return split.factors(torch.arange(split.size, device=device)).cpu()


def _column(dataset: Dataset, name: str, setting: str) -> int:
    names = [factor.name for factor in dataset.factors]
    if name not in names:
        hint = nearest(name, names) or f"{dataset.name} has {', '.join(names)}"
        raise UsageError(f"{setting}: {dataset.name} has no factor '{name}'", hint)
    return names.index(name)


def _value(dataset: Dataset, name: str, value: object) -> int:
    """Return a factor's value as a number."""
    size = next(factor.size for factor in dataset.factors if factor.name == name)
    words = dataset.class_names if name == dataset.class_factor else ()
    if isinstance(value, str) and value in words:
        return words.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size:
        return value
    hint = nearest(str(value), words) or f"{name} has {_offer(size, words)}"
    raise UsageError(f"dataset.hold_out: {name} has no value '{value}'", hint)


def _offer(size: int, words: tuple[str, ...]) -> str:
    return ", ".join([*words, f"or 0 to {size - 1}"]) if words else f"0 to {size - 1}"
