"""The gap between the scores of a factor's best and second-best variable.

Shapes: V variables, F factors.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats


def gaps(scores_VF: Floats) -> Floats:
    """Return for each factor the largest score of a variable less the second largest, (F,).

    With a single variable the second largest score is taken as 0.
    """
    if len(scores_VF) == 1:
        return scores_VF[0].copy()
    second_F, first_F = np.sort(scores_VF, axis=0)[-2:]
    return first_F - second_F
