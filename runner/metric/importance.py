"""How evenly the importance of variables for factors is spread.

Shapes: V variables, F factors, S shares.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats

_TINY = 1e-11
"""Added to every importance, so that a row of zeros is an even one."""


def disentanglements(importance_VF: Floats) -> Floats:
    """Return for each variable how little it is shared between factors, (V,), from 0 to 1.

    1 less the entropy of its importances over the log of the number of factors; 1 if there is one.
    """
    return _concentrations(importance_VF)


def completenesses(importance_VF: Floats) -> Floats:
    """Return for each factor how little it is spread over variables, (F,), from 0 to 1.

    1 less the entropy of its importances over the log of the number of variables; 1 if there is
    one.
    """
    return _concentrations(importance_VF.T)


def weighted(score_V: Floats, importance_VF: Floats) -> float:
    """Return the mean of scores, each weighted by its row's share of all importance.

    The weights are equal where nothing is important.
    """
    row_V = importance_VF.sum(1)
    if row_V.sum() == 0:
        row_V = np.ones_like(row_V)
    return float(score_V @ row_V / row_V.sum())


def _concentrations(importance_xS: Floats) -> Floats:
    share_xS = importance_xS + _TINY
    share_xS = share_xS / share_xS.sum(1, keepdims=True)
    entropy_x = -(share_xS * np.log(share_xS)).sum(1)
    # A single share has no entropy; its log would divide by zero. Rounding must not leave [0, 1].
    return np.clip(1 - entropy_x / np.log(max(importance_xS.shape[1], 2)), 0, 1)
