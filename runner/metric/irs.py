"""The interventional robustness score, of variables and of groups of them.

Shapes: M images, D dimensions of a code, V variables or groups, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.metric.codes import Codes, Floats, Integers, Sample, stream
from runner.metric.column_std import column_std
from runner.metric.histogram import bin_values, varying_factors
from runner.metric.variables import Group, Variable


def irs(codes: Codes, *, samples: int, bins: int, quantile: float, seed: int) -> dict[str, float]:
    """Return the interventional robustness score, and that of each variable as ``irs/<variable>``.

    For a variable and a factor: take the images with one value of the factor, the deviations of
    the variable from its mean over them, and the ``quantile`` of these deviations. Its average over
    the factor's values, divided by the variable's largest deviation from its mean over all images,
    is the relative change. The robustness of a variable is 1 less its smallest relative change over
    factors; the score is the mean robustness, weighted by the largest deviations. Images count as
    having one value of a factor if they are in one of ``bins`` bins of equal width, from the
    smallest to the largest value as it is given: 0 and 1 of 0, 1 and 100 share one of twenty.

    Range: at most 1, where each variable is constant while one factor is; near 0 where no variable
    is. It is negative only if a few codes are far from all others.

    Discrete variables: one variable each, whose deviation is the Euclidean norm over its columns.

    Degenerate input: constant variables, and factors that do not vary among the images drawn, are
    left out; if all variables are constant the score is 0.

    Raises: UsageError if no factor varies among the images drawn.
    Source: Suter et al. 2019; as in Locatello et al. 2019.
    """
    sample = codes.sample(samples, stream(seed, "irs"))
    values_MF = _binned(codes, sample, bins)
    return _scores("irs", sample.codes_MD, codes.variables, (values_MF, quantile))


def irs_groups(
    codes: Codes, *, samples: int, bins: int, quantile: float, seed: int
) -> dict[str, float]:
    """Return the interventional robustness of groups, and of each as ``irs_groups/<group>``.

    As ``irs``, with a group in place of a variable: its deviation from its mean is the Euclidean
    norm over its columns, which a rotation within the group does not change.

    Range: as of ``irs``.

    Discrete variables: every column is a coordinate.

    Degenerate input: as for ``irs``.

    Raises: UsageError if no factor varies among the images drawn.
    Source: Suter et al. 2019, with a group in place of a variable.
    """
    sample = codes.sample(samples, stream(seed, "irs"))
    values_MF = _binned(codes, sample, bins)
    return _scores("irs_groups", sample.codes_MD, codes.groups, (values_MF, quantile))


def _binned(codes: Codes, sample: Sample, bins: int) -> Integers:
    """Return the bin of each image for every factor that varies among those drawn, (M, F)."""
    values_MF = codes.values_of(sample)
    kept = varying_factors(sample.factors_MF)
    return np.stack([bin_values(values_MF[:, f], bins) for f in kept], axis=1)


def _scores(
    name: str,
    codes_MD: Floats,
    variables: Sequence[Variable | Group],
    fixed: tuple[Integers, float],
) -> dict[str, float]:
    """Return the scores; ``fixed`` are the bins of the factors, and the quantile."""
    values_MF, quantile = fixed
    std_D = column_std(codes_MD, ddof=0)
    live = [v for v in variables if std_D[v.columns].any()]
    if not live:
        return {name: 0.0}
    largest_V = _deviations(codes_MD, live).max(0)
    moved_FV = [_moved(codes_MD, live, values_M, quantile) for values_M in values_MF.T]
    robust_V = 1 - np.min(moved_FV, axis=0) / largest_V
    by_variable = {f"{name}/{v.name}": float(r) for v, r in zip(live, robust_V, strict=True)}
    return {name: float(np.average(robust_V, weights=largest_V)), **by_variable}


def _moved(
    codes_MD: Floats, variables: Sequence[Variable | Group], values_M: Integers, quantile: float
) -> Floats:
    """Return the quantile of deviations among images of one value, averaged over values, (V,)."""
    groups = [codes_MD[values_M == value] for value in np.unique(values_M)]
    within = [
        np.quantile(_deviations(group_MD, variables), quantile, axis=0) for group_MD in groups
    ]
    return np.mean(within, axis=0)


def _deviations(codes_MD: Floats, variables: Sequence[Variable | Group]) -> Floats:
    """Return the distance of each variable from its mean, (M, V)."""
    apart_MD = codes_MD - codes_MD.mean(0)
    lengths = [np.linalg.norm(apart_MD[:, v.columns], axis=1) for v in variables]
    return np.stack(lengths, axis=1)
