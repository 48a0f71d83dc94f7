"""How far the dimensions of a code vary, with those told apart that do not.

Shapes: M images, D dimensions of a code.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats


def spread(codes_MD: Floats, *, ddof: int) -> Floats:
    """Return the standard deviation of each dimension, (D,): zero exactly where it is constant.

    Args:
        codes_MD: a row per image.
        ddof: by how much the divisor is less than the number of images, as in NumPy.
    """
    # The mean of equal numbers can miss them by rounding, so their deviations need not be zero.
    varies_D = np.ptp(codes_MD, axis=0) > 0
    square_D = np.square(codes_MD - codes_MD.mean(0)).sum(0)
    return np.where(varies_D, np.sqrt(square_D / max(len(codes_MD) - ddof, 1)), 0.0)
