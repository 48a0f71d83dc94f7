"""The interventional robustness score.

Shapes: M images, D dimensions of a code, V variables, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.metric.codes import Codes, Floats, Integers, Variable, stream
from runner.metric.column_std import spread
from runner.metric.histogram import bin_values, varying_factors


def irs(codes: Codes, *, samples: int, bins: int, quantile: float, seed: int) -> dict[str, float]:
    """Return the interventional robustness score, and that of each variable as ``irs/<variable>``.

    Among images that share a value of a factor, how far a variable is from its mean there: a high
    quantile of it, averaged over the factor's values, over the largest deviation from the mean of
    all images. A variable's robustness is 1 less that, for the factor which makes it largest; the
    score is their mean, weighted by the largest deviations. A factor with more values than bins has
    its values put into bins of equal width.

    Range: up to 1, where each variable stays where it is while one factor does; near 0 where none
    does, and below it only for codes of a few images far from all others.

    A discrete variable is one variable: its deviation is the Euclidean length of that of its
    columns. A constant variable is left out; with none left the score is 0. A factor that does not
    vary among the images drawn is left out.

    Raises: UsageError if no factor varies among the images drawn.
    Source: Suter et al. 2019; as in Locatello et al. 2019.
    """
    sample = codes.sample(samples, stream(seed, "irs"))
    kept = varying_factors(sample.factors_MF)
    values_MF = np.stack([bin_values(sample.factors_MF[:, f], bins) for f in kept], axis=1)
    spread_D = spread(sample.codes_MD, ddof=0)
    live = [v for v in codes.variables if spread_D[v.columns].any()]
    if not live:
        return {"irs": 0.0}
    largest_V = _deviations(sample.codes_MD, live).max(0)
    moved_FV = [_moved(sample.codes_MD, live, values_M, quantile) for values_M in values_MF.T]
    robust_V = 1 - np.min(moved_FV, axis=0) / largest_V
    by_variable = {f"irs/{v.name}": float(r) for v, r in zip(live, robust_V, strict=True)}
    return {"irs": float(np.average(robust_V, weights=largest_V)), **by_variable}


def _moved(
    codes_MD: Floats, variables: Sequence[Variable], values_M: Integers, quantile: float
) -> Floats:
    """Return the quantile of deviations among images of one value, averaged over values, (V,)."""
    groups = [codes_MD[values_M == value] for value in np.unique(values_M)]
    within = [
        np.quantile(_deviations(group_MD, variables), quantile, axis=0) for group_MD in groups
    ]
    return np.mean(within, axis=0)


def _deviations(codes_MD: Floats, variables: Sequence[Variable]) -> Floats:
    """Return how far each variable is from its mean, (M, V)."""
    apart_MD = codes_MD - codes_MD.mean(0)
    lengths = [np.linalg.norm(apart_MD[:, v.columns], axis=1) for v in variables]
    return np.stack(lengths, axis=1)
