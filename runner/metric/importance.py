"""Disentanglement and completeness, from the importances of variables for factors.

Shapes: V variables, F factors, S shares.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats

_TINY = 1e-11
"""Added to every importance, so that a row of zeros is a uniform distribution."""


def disentanglements(importance_VF: Floats) -> Floats:
    """Return the disentanglement of each variable, (V,), from 0 to 1.

    1 - H / log F, where H is the entropy of the variable's normalised importances; 1 if F = 1.
    """
    return _concentrations(importance_VF)


def completenesses(importance_VF: Floats) -> Floats:
    """Return the completeness of each factor, (F,), from 0 to 1.

    1 - H / log V, where H is the entropy of the factor's normalised importances; 1 if V = 1.
    """
    return _concentrations(importance_VF.T)


def weighted(score_V: Floats, importance_VF: Floats) -> float:
    """Return the mean of scores, each weighted by its row's share of the total importance.

    The weights are equal if all importances are 0.
    """
    row_V = importance_VF.sum(1)
    if row_V.sum() == 0:
        row_V = np.ones_like(row_V)
    return float(score_V @ row_V / row_V.sum())


def _concentrations(importance_xS: Floats) -> Floats:
    share_xS = importance_xS + _TINY
    share_xS = share_xS / share_xS.sum(1, keepdims=True)
    entropy_x = -(share_xS * np.log(share_xS)).sum(1)
    # log(1) = 0 would divide the zero entropy of a single share. Clip, since rounding may leave
    # [0, 1].
    return np.clip(1 - entropy_x / np.log(max(importance_xS.shape[1], 2)), 0, 1)
