"""``dataset=newsgroups``: the 20 Newsgroups, as scikit-learn downloads and keeps them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from runner.config import DatasetConfig, NewsgroupsConfig
from runner.dataset.splits import Dataset
from runner.dataset.text.corpus import dataset_of
from runner.dataset.text.texts import counted
from runner.errors import DataError

_FOLDER = "newsgroups"


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the 11,314 training and 7,532 test messages of the split by date.

    Headers, quotations and signatures are removed, and messages of which nothing is left are left
    out. The files are kept in ``data_dir/newsgroups``.

    Raises: DataError when they are not there and cannot be downloaded.
    Source: Lang 1995, in the version that scikit-learn fetches.
    """
    if not isinstance(config, NewsgroupsConfig):
        raise TypeError("newsgroups needs its own settings")
    folder = Path(data_dir).expanduser() / _FOLDER
    parts = [_fetch(folder, subset) for subset in ("train", "test")]
    texts = [text for part in parts for text in part.data]
    labels = [str(part.target_names[n]) for part in parts for n in part.target]
    corpus = counted(texts, labels, len(parts[1].data), config)
    return dataset_of(config.name, "the 20 Newsgroups", corpus, device, own=False)


def _fetch(folder: Path, subset: str) -> Any:  # noqa: ANN401 - scikit-learn's Bunch
    from sklearn.datasets import fetch_20newsgroups

    removed = ("headers", "footers", "quotes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each try to download
            return fetch_20newsgroups(
                data_home=str(folder), subset=subset, remove=removed, n_retries=1, delay=0.1
            )
    except Exception as error:  # of the network, the disk, or a damaged file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"the 20 Newsgroups are not in '{folder}' and cannot be downloaded: {reason}",
            "dataset=bag_of_words dataset.path=… takes counts from a file",
        ) from error
