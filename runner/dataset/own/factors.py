"""Values of factors as people write them → numbers from 0, with the names of the values.

Shapes: N images, F factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.errors import DataError, UsageError, nearest
from runner.metric.factor_values import cut

_MOST_VALUES = 1000
"""Different fractions that a factor may have; more are measurements, which need bins."""

_MOST_CLASSES = 100
"""Different values of a factor that is taken for the class unasked."""


@dataclass(frozen=True)
class FactorTable:
    """The factors of images."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    """The names of the values of each factor, in order."""
    numbers_NF: NDArray[np.int64]

    @classmethod
    def none(cls, images: int) -> FactorTable:
        """Return the table of images of which nothing is known."""
        return cls((), (), np.zeros((images, 0), np.int64))


def table(columns: Mapping[str, Sequence[object]], images: int, bins: int | None) -> FactorTable:
    """Return the table of columns of values: texts, or numbers, which are put in their order.

    Args:
        columns: name of a factor → its value for each image.
        images: N, the number of images.
        bins: numbers with more different values are cut into so many bins of equally many images;
            None: none is cut.

    Raises: DataError for a value that is missing, UsageError for measurements without ``bins``.
    """
    coded = {name: _coded(name, list(column), bins) for name, column in columns.items()}
    for name, (numbers_N, _) in coded.items():
        if len(numbers_N) != images:
            raise DataError(f"factor '{name}' has {len(numbers_N):,} values for {images:,} images")
    stacked = [numbers_N for numbers_N, _ in coded.values()]
    return FactorTable(
        names=tuple(coded),
        values=tuple(values for _, values in coded.values()),
        numbers_NF=np.stack(stacked, axis=1) if stacked else np.zeros((images, 0), np.int64),
    )


def class_of(found: FactorTable, wanted: str | None) -> str | None:
    """Return the factor that is the class: the one asked for, the label, or the first.

    Raises: UsageError when there is no such factor.
    """
    if wanted is not None and wanted not in found.names:
        hint = nearest(wanted, found.names) or f"factors: {', '.join(found.names) or 'none'}"
        raise UsageError(f"dataset.class_factor: there is no factor '{wanted}'", hint)
    if wanted is None and "label" in found.names:
        return "label"
    few = [
        name
        for name, values in zip(found.names, found.values, strict=True)
        if len(values) <= _MOST_CLASSES
    ]
    return wanted or next(iter([*few, *found.names]), None)


def _coded(
    name: str, column: list[object], bins: int | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the number of each value, (N,), and the names of the values."""
    missing = sum(value is None or value == "" for value in column)
    if missing:
        raise DataError(f"factor '{name}' has no value for {missing:,} of {len(column):,} images")
    measured = [_number(value) for value in column]
    if any(value is None for value in measured):
        words = sorted({str(value) for value in column})
        place = {word: at for at, word in enumerate(words)}
        return np.array([place[str(value)] for value in column], np.int64), tuple(words)
    values_N = np.array(measured, dtype=np.float64)
    if not np.isfinite(values_N).all():
        raise DataError(f"factor '{name}' has a value that is not a finite number")
    distinct, numbers_N = np.unique(values_N, return_inverse=True)
    if bins is not None and len(distinct) > bins:
        return _binned(values_N, bins)
    if len(distinct) > _MOST_VALUES and (distinct % 1 != 0).any():
        raise UsageError(
            f"factor '{name}' has {len(distinct):,} different numbers", "cut them: dataset.bins=10"
        )
    return numbers_N.astype(np.int64), tuple(f"{value:g}" for value in distinct)


def _binned(values_N: NDArray[np.float64], bins: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the bin of each value, and the bins' names; bins hold equally many values."""
    numbers_N = cut(values_N, bins)
    names = [
        f"{values_N[numbers_N == at].min():.4g} to {values_N[numbers_N == at].max():.4g}"
        for at in range(numbers_N.max() + 1)
    ]
    return numbers_N, tuple(names)


def _number(value: object) -> float | None:
    if isinstance(value, bool | np.bool_):
        return None
    try:
        number = float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return None
    if isinstance(value, str) and not math.isfinite(number):
        return None  # a value called "nan" or "inf" is a word
    return number
