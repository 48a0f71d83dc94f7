"""What the settings of a dataset must be; see ``rules``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast

from runner.config.dataset_schema import (
    BROKEN,
    CHANGED,
    FITS,
    STOP_WORDS,
    BagOfWordsConfig,
    CorrelationConfig,
    DatasetConfig,
    FolderConfig,
    NewsgroupsConfig,
    OwnDataConfig,
    OwnDatasetConfig,
    TextsConfig,
)
from runner.config.rule import Rule

_LARGEST = 4096
"""Pixels along an edge; more is a mistake, since an image is one vector to the model."""


def dataset_choices(dataset: DatasetConfig) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (key, value, what it may be) of settings that are one of a few words."""
    if isinstance(dataset, OwnDatasetConfig):
        yield "dataset.fit", dataset.fit, FITS
    if isinstance(dataset, OwnDataConfig):
        yield "dataset.changed", dataset.changed, CHANGED
    if isinstance(dataset, FolderConfig):
        yield "dataset.broken", dataset.broken, BROKEN
    if isinstance(dataset, TextsConfig | NewsgroupsConfig) and dataset.stop_words is not None:
        yield "dataset.stop_words", dataset.stop_words, STOP_WORDS


def dataset_rules(dataset: DatasetConfig) -> Iterator[Rule]:
    """Yield the rules of a dataset."""
    yield from _held_out_rules(dataset.hold_out)
    if dataset.correlated is not None:
        yield from _correlation_rules(dataset.correlated)
    if isinstance(dataset, OwnDataConfig):
        yield from _own_rules(dataset)
    if isinstance(dataset, OwnDatasetConfig):
        yield from _image_rules(dataset)
    if isinstance(dataset, BagOfWordsConfig | TextsConfig | NewsgroupsConfig):
        words = dataset.vocabulary
        yield "dataset.vocabulary", words, "at least 2 words", words is None or words >= 2
    if isinstance(dataset, TextsConfig | NewsgroupsConfig):
        least = dataset.least_documents
        yield "dataset.least_documents", least, "at least 1", least >= 1


def _correlation_rules(correlated: CorrelationConfig) -> Iterator[Rule]:
    factors, width = correlated.factors, correlated.width
    are_two = len(factors) in (0, 2) and len(set(factors)) == len(factors)
    yield "dataset.correlated.factors", factors, "two factors, or []", are_two
    yield "dataset.correlated.width", width, "a positive number", 0 < width < math.inf


def _own_rules(own: OwnDataConfig) -> Iterator[Rule]:
    what = "images, e.g. dataset.path=photos" if isinstance(own, OwnDatasetConfig) else "texts"
    yield "dataset.path", own.path, f"the path of your {what}", bool(own.path and own.path.strip())
    yield "dataset.test_share", own.test_share, "at least 0 and below 1", 0 <= own.test_share < 1
    yield "dataset.test_seed", own.test_seed, "at least 0", own.test_seed >= 0


def _image_rules(own: OwnDatasetConfig) -> Iterator[Rule]:
    size = own.size
    fits = size is None or 4 <= size <= _LARGEST
    yield "dataset.size", size, f"between 4 and {_LARGEST} pixels, or null", fits
    grey = own.channels in (None, 1, 3)
    yield "dataset.channels", own.channels, "1 (grey), 3 (RGB) or null", grey
    yield "dataset.bins", own.bins, "at least 2, or null", own.bins is None or own.bins >= 2


def _held_out_rules(held_out: Mapping[str, object]) -> Iterator[Rule]:
    rule = "a value of the factor by name or by number from 0, or a list of them"
    for factor, given in held_out.items():
        values = cast("list[object]", given) if isinstance(given, list) else [given]
        known = all(isinstance(v, str | int) and not isinstance(v, bool) for v in values)
        yield f"dataset.hold_out.{factor}", given, rule, known
