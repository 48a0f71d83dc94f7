"""What the settings of a dataset must be; see ``rules``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import cast

from runner.config.dataset_schema import (
    BROKEN,
    CHANGED,
    FITS,
    PUBLISHED_ELSEWHERE,
    STOP_WORDS,
    BagOfWordsConfig,
    CorrelationConfig,
    DatasetConfig,
    FolderConfig,
    MultiMnistConfig,
    NewsgroupsConfig,
    OwnDataConfig,
    OwnDatasetConfig,
    TextsConfig,
)
from runner.config.rule import Rule

_LARGEST = 4096
"""Pixels along an edge; more is a mistake, since an image is one vector to the model."""

_DIGIT = 28
"""Pixels along an edge of a digit of MNIST."""

_MOST_DIGITS = 20
_MOST_IMAGES = 10_000_000
"""On a canvas, and of a split: what is drawn must not take long."""


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
    if isinstance(dataset, FolderConfig):
        yield from _folder_rules(dataset)
    if isinstance(dataset, MultiMnistConfig):
        yield from _canvas_rules(dataset)
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
    where = f"the path of your {what}"
    if own.name in PUBLISHED_ELSEWHERE:
        where = f"the folder with {PUBLISHED_ELSEWHERE[own.name]}"
    yield "dataset.path", own.path, where, bool(own.path and own.path.strip())
    yield "dataset.test_share", own.test_share, "at least 0 and below 1", 0 <= own.test_share < 1
    yield "dataset.test_seed", own.test_seed, "at least 0", own.test_seed >= 0


def _image_rules(own: OwnDatasetConfig) -> Iterator[Rule]:
    size = own.size
    fits = size is None or 4 <= size <= _LARGEST
    yield "dataset.size", size, f"between 4 and {_LARGEST} pixels, or null", fits
    grey = own.channels in (None, 1, 3)
    yield "dataset.channels", own.channels, "1 (grey), 3 (RGB) or null", grey
    yield "dataset.bins", own.bins, "at least 2, or null", own.bins is None or own.bins >= 2


def _folder_rules(folder: FolderConfig) -> Iterator[Rule]:
    pattern, test_by = folder.pattern, folder.test_by
    rule = "a regular expression with named groups, (?P<angle>[0-9]+), or null"
    yield "dataset.pattern", pattern, rule, pattern is None or _has_groups(pattern)
    rule = "auto beside dataset.pattern, by which the factors are known"
    holds = pattern is None or folder.factors == "auto"
    yield "dataset.factors", folder.factors, rule, holds
    rule = "[] beside dataset.test_folder"
    yield "dataset.test_by", test_by, rule, not test_by or folder.test_folder is None


def _has_groups(pattern: str) -> bool:
    try:
        return bool(re.compile(pattern).groupindex)
    except (re.error, RecursionError, OverflowError):
        return False


def _canvas_rules(canvas: MultiMnistConfig) -> Iterator[Rule]:
    digits, size, seed = canvas.digits, canvas.size, canvas.seed
    yield "dataset.digits", digits, f"between 1 and {_MOST_DIGITS}", 1 <= digits <= _MOST_DIGITS
    fits = _DIGIT <= size <= _LARGEST
    yield "dataset.size", size, f"between {_DIGIT} (a digit) and {_LARGEST} pixels", fits
    yield "dataset.overlap", canvas.overlap, "between 0 and 1", 0 <= canvas.overlap <= 1
    for key in ("images", "test_images"):
        count = getattr(canvas, key)
        fits = 2 <= count <= _MOST_IMAGES
        yield f"dataset.{key}", count, f"between 2 and {_MOST_IMAGES:,}", fits
    yield "dataset.seed", seed, "between 0 and 9999", 0 <= seed < 10_000


def _held_out_rules(held_out: Mapping[str, object]) -> Iterator[Rule]:
    rule = "a value of the factor by name or by number from 0, or a list of them"
    for factor, given in held_out.items():
        values = cast("list[object]", given) if isinstance(given, list) else [given]
        known = all(isinstance(v, str | int) and not isinstance(v, bool) for v in values)
        yield f"dataset.hold_out.{factor}", given, rule, known
