"""Datasets: images, points or counts on the training device, with their ground-truth factors.

A new dataset is a module here, an entry of ``DATASETS`` in ``loaders`` (and of ``SOURCES`` if it is
downloaded), and its file in ``conf/dataset``.
"""

from __future__ import annotations

from pathlib import Path

import torch

from runner.config import DatasetConfig
from runner.dataset import added
from runner.dataset.archive import archive as published
from runner.dataset.archive.source import Source
from runner.dataset.idx_files import is_there
from runner.dataset.kept import keep, kept, kept_ones
from runner.dataset.kinds import COUNTS, IMAGES, KINDS, POINTS, Kind
from runner.dataset.labelled import with_labels
from runner.dataset.loaders import COLLECTIONS, DATASETS, SOURCES, Loader
from runner.dataset.pairs import Partners, partners_of
from runner.dataset.set_aside import set_aside
from runner.dataset.splits import Dataset, Factor, ResidentSplit, Split
from runner.dataset.subset import select
from runner.errors import DataError, UsageError, nearest
from runner.plugins import piece

__all__ = [
    "COLLECTIONS",
    "COUNTS",
    "DATASETS",
    "IMAGES",
    "KINDS",
    "POINTS",
    "SOURCES",
    "Dataset",
    "Factor",
    "Kind",
    "Loader",
    "Partners",
    "ResidentSplit",
    "Source",
    "Split",
    "is_here",
    "keep",
    "kept_ones",
    "load",
    "partners_of",
    "require_files",
    "set_aside",
    "with_labels",
]


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the dataset of ``config`` on ``device``, with the training images that it selects.

    Raises:
        UsageError: there is no such dataset, or no training image is left.
        DataError: its files are missing and cannot be downloaded, or are corrupt.
    """
    if (added_one := piece("dataset", config.name)) is not None:
        return select(added.load(added_one, config, data_dir, device), config, device)
    if config.name not in DATASETS:
        hint = nearest(config.name, DATASETS) or f"datasets: {', '.join(DATASETS)}"
        raise UsageError(f"unknown dataset '{config.name}'", hint)

    def whole() -> Dataset:
        return select(DATASETS[config.name].load(config, data_dir, device), config, device)

    return kept(config, data_dir, device, whole) if DATASETS[config.name].is_kept else whole()


def is_here(config: DatasetConfig, data_dir: str) -> bool:
    """Return whether a dataset can be kept, and is loaded without a download."""
    loader = None if piece("dataset", config.name) else DATASETS.get(config.name)
    if loader is None or not loader.is_kept:
        return False
    if config.name in COLLECTIONS:
        return is_there(COLLECTIONS[config.name], Path(data_dir).expanduser())
    try:
        require_files(config, data_dir)
    except DataError:
        return False
    return True


def require_files(config: DatasetConfig, data_dir: str) -> None:
    """Check, before anything is written, that the files of a published dataset are there.

    Raises: DataError where one is missing.
    """
    if config.name in SOURCES:
        published.require_files(SOURCES[config.name], data_dir)
