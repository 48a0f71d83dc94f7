"""Loaded datasets that a process keeps, which has many runs to train on them.

Only published and generated datasets are kept, whose images are always the same; those of the user
may change between two runs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from runner.config import DatasetConfig
from runner.dataset.splits import Dataset

_Key = tuple[str, str, torch.device]


class _Shelf:
    """The datasets that were used last, by their settings, ``data_dir`` and device."""

    def __init__(self) -> None:
        self.most = 0
        self.loads = 0
        self._kept: dict[_Key, Dataset] = {}

    def take(self, key: _Key, load: Callable[[], Dataset]) -> Dataset:
        found = self._kept.pop(key, None)
        if found is None:
            self.drop(self.most - 1)  # before another takes memory
            found = load()
            self.loads += 1
        if self.most:
            self._kept[key] = found
        return found

    @property
    def count(self) -> int:
        return len(self._kept)

    def drop(self, left: int) -> None:
        for key in list(self._kept)[: max(0, len(self._kept) - max(0, left))]:
            del self._kept[key]


_shelf = _Shelf()


def keep(most: int) -> None:
    """Keep the datasets that are loaded from now on, up to ``most``; by default none is kept."""
    _shelf.most = most
    _shelf.drop(most)


def loads() -> int:
    """Return how often this process has loaded a dataset that can be kept."""
    return _shelf.loads


def kept_ones() -> int:
    """Return how many datasets are kept."""
    return _shelf.count


def kept(
    config: DatasetConfig, data_dir: str, device: torch.device, load: Callable[[], Dataset]
) -> Dataset:
    """Return the dataset of these settings, which ``load`` returns where it is not kept.

    Raises: as ``load``.
    """
    return _shelf.take((repr(config), data_dir, device), load)
