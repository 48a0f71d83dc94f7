"""Mutual information between variables and factors, from histograms.

Shapes: M images, V variables, F factors, D dimensions of a code; A and B stand for any of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner import progress
from runner.errors import UsageError
from runner.metric.codes import Floats, Integers
from runner.metric.variables import Variable


def bin_values(values_M: Floats | Integers, bins: int) -> Integers:
    """Return the bin index of each number: bins of equal width from the smallest to the largest.

    The edges are those of ``numpy.histogram``. Numbers that are all equal, or too close to each
    other for it, raise no error here.
    """
    edges = np.linspace(values_M.min(), values_M.max(), bins + 1)
    return np.digitize(values_M, edges[:-1]).astype(np.int64) - 1


def discretise(codes_MD: Floats, variables: Sequence[Variable], bins: int) -> Integers:
    """Return the bin index of each variable in each image, (M, V).

    A continuous variable is binned by :func:`bin_values` over these images, but one that takes few
    values has a bin for each of them. The bin of a discrete variable is the index of its largest
    column.
    """
    return np.stack([_bins_of(codes_MD[:, v.columns], v.values, bins) for v in variables], axis=1)


def mutual_information(first_MA: Integers, second_MB: Integers) -> Floats:
    """Return I(first; second) of each pair of columns of whole numbers from 0, (A, B), in nats.

    The plug-in estimate from observed frequencies, which is biased upwards by about
    (values - 1)(other values - 1) / 2M for independent columns.
    """
    count, pairs = first_MA.shape
    values, others = int(first_MA.max()) + 1, int(second_MB.max()) + 1
    width = second_MB.shape[1]
    found_AB = np.empty((pairs, width))
    offset_MB = second_MB + np.arange(width) * (values * others)
    # Row by row, since the tables of all pairs at once do not fit the cache and are slower.
    for a in progress.counted(range(pairs), "histograms", pairs):
        index_MB = offset_MB + first_MA[:, a, None] * others
        tables = np.bincount(index_MB.ravel(), minlength=width * values * others)
        found_AB[a] = _information(tables.reshape(width, values, others), count)
    return found_AB


def entropies(values_MF: Integers) -> Floats:
    """Return the entropy of each column of whole numbers from 0, (F,), in nats."""
    return np.array([_entropy(np.bincount(values_M)) for values_M in values_MF.T])


def varying_factors(factors_MF: Integers) -> Integers:
    """Return the indices of the factors with more than one value among the images drawn.

    Raises: UsageError if there is none.
    """
    found = np.flatnonzero(np.ptp(factors_MF, axis=0) > 0)
    if not len(found):
        message = f"no factor varies among the images drawn, of which there are {len(factors_MF)}"
        raise UsageError(message, "draw more samples")
    return found


def _bins_of(code_MC: Floats, values: Sequence[float] | None, bins: int) -> Integers:
    if code_MC.shape[1] > 1:
        return code_MC.argmax(1).astype(np.int64)
    if values is not None:
        return np.abs(code_MC - np.array(values)).argmin(1).astype(np.int64)
    return bin_values(code_MC[:, 0], bins)


def _information(tables_BXY: Integers, count: int) -> Floats:
    """Return the mutual information of each table of joint counts, (B,), in nats."""
    # Products of counts are exact integers, so that independent columns give exactly zero.
    apart_BXY = tables_BXY.sum(2, keepdims=True) * tables_BXY.sum(1, keepdims=True)
    ratio_BXY = np.ones(tables_BXY.shape)
    np.divide(tables_BXY * count, apart_BXY, out=ratio_BXY, where=tables_BXY > 0)
    return np.maximum((tables_BXY * np.log(ratio_BXY)).sum((1, 2)) / count, 0.0)


def _entropy(counts_S: Integers) -> float:
    shares = counts_S[counts_S > 0] / counts_S.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0  # never -0.0
