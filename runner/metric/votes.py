"""Chunks of votes for the beta-VAE and FactorVAE scores; a vote is a batch with one factor fixed.

Shapes: P votes, C votes of a chunk, F factors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runner.metric.codes import Integers

_IMAGES = 16_384
"""Largest number of images in a chunk, so that their codes fit the cache."""


def chunks(factor_P: Integers, batch: int) -> Iterator[tuple[int, Integers]]:
    """Yield pairs of a factor and the indices, (C,), of votes that fix it; each vote comes once.

    Args:
        factor_P: the fixed factor of each vote.
        batch: number of images of a vote.
    """
    size = max(1, _IMAGES // batch)
    for factor in np.unique(factor_P).tolist():
        votes = np.flatnonzero(factor_P == factor)
        for first in range(0, len(votes), size):
            yield factor, votes[first : first + size]
