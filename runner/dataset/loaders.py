"""All datasets by name: how each is loaded, and which files it is read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from runner.config import DatasetConfig
from runner.dataset import (
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
from runner.dataset.own import arrays, folder
from runner.dataset.splits import Dataset
from runner.dataset.text import bag_of_words, newsgroups, texts

Load = Callable[[DatasetConfig, str, torch.device], Dataset]
"""From the settings, ``data_dir`` and the device to the whole dataset."""


@dataclass(frozen=True)
class Loader:
    """How a dataset is loaded."""

    load: Load
    is_kept: bool = True
    """Whether its settings say all that it is, so that a process may keep it for its next runs."""
    is_own: bool = False
    """Whether its files are the user's."""


def _plain(load: Callable[[str, torch.device], Dataset]) -> Loader:
    """Return the loader of a dataset that has no settings of its own."""
    return Loader(lambda _, data_dir, device: load(data_dir, device))


def _drawn(load: Callable[[torch.device], Dataset]) -> Loader:
    """Return the loader of a dataset that has no files either."""
    return Loader(lambda _, __, device: load(device))


def _own(load: Load) -> Loader:
    return Loader(load, is_kept=False, is_own=True)


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

DATASETS: Mapping[str, Loader] = {
    "folder": _own(folder.load),
    "npz": _own(arrays.load),
    "hdf5": _own(arrays.load),
    "yale_faces": _own(folder.load),
    "bag_of_words": _own(bag_of_words.load),
    "texts": _own(texts.load),
    "newsgroups": Loader(newsgroups.load, is_kept=False),
    "sprites": _drawn(sprites.load),
    "digits": _drawn(digits.load),
    "mnist": _plain(lambda data_dir, device: mnist.load(mnist.MNIST, data_dir, device)),
    "fashion_mnist": _plain(
        lambda data_dir, device: mnist.load(mnist.FASHION_MNIST, data_dir, device)
    ),
    "pinwheel": _drawn(pinwheel.load),
    **{source.name: _plain(partial(published.load, source)) for source in _PLAIN},
    **{source.name: _plain(partial(load, source)) for source, load in _SPRITES_IN_COLOUR.items()},
    "multi_mnist": Loader(multi_mnist.load),
}
"""Name in ``conf/dataset/`` → how it is loaded."""
