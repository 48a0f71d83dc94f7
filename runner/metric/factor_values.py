"""The values of a factor, numbered from 0: as they are given, or cut into bins.

Shapes: N images, S values or bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runner import progress
from runner.errors import UsageError

Numbered = tuple[NDArray[np.int64], NDArray[np.float64]]
"""The number of each image's value, (N,), and the values themselves, (S,), ascending."""


def numbered(name: str, column_N: NDArray[np.generic], bins: int | None) -> Numbered:
    """Return the numbers of a factor's values in their order, and the values.

    Args:
        name: of the factor, for messages.
        column_N: its values; any numbers.
        bins: a factor that is measured, with fractions and more different values than this, is cut
            into so many bins of equally many images, whose values are the means of theirs. None:
            none is.

    Raises: UsageError for fractions without ``bins``, and for values that are not finite.
    """
    values_S, numbers_N = np.unique(column_N, return_inverse=True)
    numbers_N = numbers_N.reshape(-1).astype(np.int64)
    values_S = values_S.astype(np.float64)
    if not np.isfinite(values_S).all():
        raise UsageError(f"factor '{name}' has a value that is not a finite number")
    if (values_S == np.round(values_S)).all():
        if bins is not None and len(values_S) > bins:
            count = f"{len(values_S):,} values"
            progress.say(f"factor '{name}' keeps its {count}: whole numbers are not cut into bins")
        return numbers_N, values_S
    if bins is None:
        message = f"factor '{name}' has {len(values_S):,} different values, not all whole numbers"
        hint = "metrics.factor_bins=20 cuts it into bins of equally many images"
        raise UsageError(message, hint)
    if len(values_S) <= bins:
        return numbers_N, values_S
    measured_N = column_N.astype(np.float64)
    numbers_N = cut(measured_N, bins)
    return numbers_N, np.bincount(numbers_N, measured_N) / np.bincount(numbers_N)


def cut(column_N: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return the number of each value's bin, of bins with equally many images, (N,).

    Their edges are quantiles; a bin without images has no number.
    """
    edges = np.unique(np.quantile(column_N, np.linspace(0, 1, bins + 1)[1:-1]))
    found_N = np.searchsorted(edges, column_N, side="right")
    return np.unique(found_N, return_inverse=True)[1].reshape(-1).astype(np.int64)
