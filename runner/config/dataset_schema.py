"""Typed settings of the dataset: which images, and which of them are trained on.

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    FactorValues = str | int | list[str | int]
    """Values of a factor, by name or by number from 0."""
else:  # which OmegaConf has no type for
    FactorValues = Any

TABLES_WITHOUT_A_PATH = ("auto", "folders", "none")
"""Values of ``factors`` of a folder that are no path."""

FITS = ("crop", "pad", "stretch")
BROKEN = ("skip", "refuse")
CHANGED = ("refuse", "accept")
STOP_WORDS = ("english",)


@dataclass
class CorrelationConfig:
    """Two factors that are correlated among the training images."""

    factors: list[str]
    width: float


@dataclass
class DatasetConfig:
    """The dataset, and which of its images are trained on."""

    name: str
    hold_out: dict[str, FactorValues]
    correlated: Optional[CorrelationConfig]  # noqa: UP045


@dataclass
class MultiMnistConfig(DatasetConfig):
    """Digits of MNIST on a canvas."""

    digits: int
    size: int
    overlap: float
    images: int
    test_images: int
    seed: int


@dataclass
class OwnDataConfig(DatasetConfig):
    """Data of the user: where they are, and which of them are the test split."""

    path: Optional[str]  # noqa: UP045
    test_share: float
    test_seed: int
    changed: str


@dataclass
class OwnDatasetConfig(OwnDataConfig):
    """Images of the user, and what is known of them."""

    size: Optional[int]  # noqa: UP045
    fit: str
    channels: Optional[int]  # noqa: UP045
    class_factor: Optional[str]  # noqa: UP045
    bins: Optional[int]  # noqa: UP045


@dataclass
class FolderConfig(OwnDatasetConfig):
    """Images that are files."""

    factors: str
    pattern: Optional[str]  # noqa: UP045
    test_folder: Optional[str]  # noqa: UP045
    test_by: list[str]
    broken: str


@dataclass
class ArraysConfig(OwnDatasetConfig):
    """Images that are an array of a file."""

    images: str
    factors: Optional[str]  # noqa: UP045


@dataclass
class BagOfWordsConfig(OwnDataConfig):
    """Documents whose words are counted already."""

    vocabulary: Optional[int]  # noqa: UP045


@dataclass
class TextsConfig(OwnDataConfig):
    """Documents that are text files."""

    vocabulary: int
    least_documents: int
    stop_words: Optional[str]  # noqa: UP045


@dataclass
class NewsgroupsConfig(DatasetConfig):
    """The documents of the 20 Newsgroups."""

    vocabulary: int
    least_documents: int
    stop_words: Optional[str]  # noqa: UP045


DATASET_CHOICES: dict[str, type[DatasetConfig]] = {
    "folder": FolderConfig,
    "npz": ArraysConfig,
    "hdf5": ArraysConfig,
    "multi_mnist": MultiMnistConfig,
    "yale_faces": FolderConfig,
    "bag_of_words": BagOfWordsConfig,
    "texts": TextsConfig,
    "newsgroups": NewsgroupsConfig,
}
"""Datasets with settings of their own, by name."""

PUBLISHED_ELSEWHERE: dict[str, str] = {
    "yale_faces": "CroppedYale.zip of the Extended Yale Face Database B, for research "
    "(vision.ucsd.edu/~leekc/ExtYaleDatabase/ExtYaleB.html), unpacked: dataset.path=CroppedYale",
}
"""Datasets whose files one brings oneself, by name, and where they can be had."""
