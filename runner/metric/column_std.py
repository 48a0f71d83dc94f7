"""The standard deviation of each dimension of a code, exactly zero for constant dimensions.

Shapes: M images, D dimensions of a code.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats


def column_std(codes_MD: Floats, *, ddof: int) -> Floats:
    """Return the standard deviation of each dimension, (D,), exactly zero where it is constant.

    Args:
        codes_MD: a row per image.
        ddof: the divisor is M - ddof, as in NumPy.
    """
    # The rounded mean of equal numbers may differ from them, so their deviations may not be zero.
    varies_D = np.ptp(codes_MD, axis=0) > 0
    square_D = np.square(codes_MD - codes_MD.mean(0)).sum(0)
    return np.where(varies_D, np.sqrt(square_D / max(len(codes_MD) - ddof, 1)), 0.0)
