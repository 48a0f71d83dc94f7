"""Datasets: images, points or counts on the training device, with their ground-truth factors.

A new dataset is a module here, an entry of ``DATASETS`` (and of ``SOURCES`` if it is downloaded),
and its file in ``conf/dataset``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch

from runner.config import DatasetConfig
from runner.dataset import (
    added,
    cars3d,
    celeba,
    digits,
    dsprites,
    mnist,
    mpi3d,
    multi_mnist,
    pinwheel,
    shapes3d,
    smallnorb,
    sprites,
)
from runner.dataset.archive import archive as published
from runner.dataset.archive.source import Source
from runner.dataset.idx_files import is_there
from runner.dataset.kept import keep, kept, kept_ones
from runner.dataset.kinds import COUNTS, IMAGES, KINDS, POINTS, Kind
from runner.dataset.labelled import with_labels
from runner.dataset.own import arrays, folder
from runner.dataset.pairs import Partners, partners_of
from runner.dataset.set_aside import set_aside
from runner.dataset.splits import Dataset, Factor, ResidentSplit, Split
from runner.dataset.subset import select
from runner.dataset.text import bag_of_words, newsgroups, texts
from runner.errors import DataError, UsageError, nearest
from runner.plugins import piece

__all__ = [
    "COLLECTIONS",
    "CONFIGURED",
    "COUNTS",
    "DATASETS",
    "DRAWN",
    "IMAGES",
    "KINDS",
    "OWN",
    "POINTS",
    "SOURCES",
    "Dataset",
    "Factor",
    "Kind",
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

_PLAIN = (
    dsprites.SOURCE,
    shapes3d.SOURCE,
    cars3d.SOURCE,
    smallnorb.SOURCE,
    *mpi3d.SOURCES.values(),
    celeba.SOURCE,
)
_SPRITES_IN_COLOUR = {
    dsprites.COLOR: dsprites.load_color,
    dsprites.NOISY: dsprites.load_noisy,
    dsprites.SCREAM: dsprites.load_scream,
}

SOURCES: Mapping[str, Source] = {source.name: source for source in (*_PLAIN, *_SPRITES_IN_COLOUR)}
"""Name in ``conf/dataset/`` → the published files that ``vaerun fetch`` downloads."""

COLLECTIONS: Mapping[str, mnist.Collection] = {
    **{each.name: each for each in (mnist.MNIST, mnist.FASHION_MNIST)},
    "multi_mnist": mnist.MNIST,
}
"""Name in ``conf/dataset/`` → the collection of digits or clothes that it is read or drawn from."""

DATASETS: Mapping[str, Callable[[str, torch.device], Dataset]] = {
    "sprites": lambda _, device: sprites.load(device),
    "digits": lambda _, device: digits.load(device),
    "mnist": lambda data_dir, device: mnist.load(mnist.MNIST, data_dir, device),
    "fashion_mnist": lambda data_dir, device: mnist.load(mnist.FASHION_MNIST, data_dir, device),
    "pinwheel": lambda _, device: pinwheel.load(device),
    **{source.name: partial(published.load, source) for source in _PLAIN},
    **{source.name: partial(load, source) for source, load in _SPRITES_IN_COLOUR.items()},
}
"""Name in ``conf/dataset/`` → function of (data_dir, device) that returns the whole dataset."""

DRAWN: Mapping[str, Callable[[DatasetConfig, str, torch.device], Dataset]] = {
    "multi_mnist": multi_mnist.load,
}
"""Name in ``conf/dataset/`` → function of (settings, data_dir, device), for images that are drawn
as their settings say; the same settings always give the same images."""

OWN: Mapping[str, Callable[[DatasetConfig, str, torch.device], Dataset]] = {
    "folder": folder.load,
    "npz": arrays.load,
    "hdf5": arrays.load,
    "yale_faces": folder.load,
    "bag_of_words": bag_of_words.load,
    "texts": texts.load,
}
"""Name in ``conf/dataset/`` → function of (settings, data_dir, device), for data of the user."""

CONFIGURED: Mapping[str, Callable[[DatasetConfig, str, torch.device], Dataset]] = {
    "newsgroups": newsgroups.load,
}
"""The same for other datasets that depend on settings of their own."""


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the dataset of ``config`` on ``device``, with the training images that it selects.

    Raises:
        UsageError: there is no such dataset, or no training image is left.
        DataError: its files are missing and cannot be downloaded, or are corrupt.
    """
    if (added_one := piece("dataset", config.name)) is not None:
        return select(added.load(added_one, config, data_dir, device), config, device)
    with_settings = {**OWN, **CONFIGURED}
    if config.name in with_settings:
        return select(with_settings[config.name](config, data_dir, device), config, device)
    if config.name not in DATASETS and config.name not in DRAWN:
        known = [*with_settings, *DATASETS, *DRAWN]
        hint = nearest(config.name, known) or f"datasets: {', '.join(known)}"
        raise UsageError(f"unknown dataset '{config.name}'", hint)

    def whole() -> Dataset:
        if config.name in DRAWN:
            return select(DRAWN[config.name](config, data_dir, device), config, device)
        return select(DATASETS[config.name](data_dir, device), config, device)

    return kept(config, data_dir, device, whole)


def is_here(config: DatasetConfig, data_dir: str) -> bool:
    """Return whether a dataset can be kept, and is loaded without a download."""
    if piece("dataset", config.name) is not None or config.name not in {**DATASETS, **DRAWN}:
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
