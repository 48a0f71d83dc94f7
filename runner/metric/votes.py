"""The batches of images that share a factor, a vote each.

Shapes: P votes, C votes of a chunk, F factors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runner.metric.codes import Integers

_IMAGES = 16_384
"""Images looked at together: few enough that their codes stay in the cache."""


def chunks(factor_P: Integers, batch: int) -> Iterator[tuple[int, Integers]]:
    """Yield each factor with some of the votes about it, (C,), until all have come."""
    size = max(1, _IMAGES // batch)
    for factor in np.unique(factor_P).tolist():
        votes = np.flatnonzero(factor_P == factor)
        for first in range(0, len(votes), size):
            yield factor, votes[first : first + size]
