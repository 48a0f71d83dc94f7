"""Modularity: whether each variable, or group, has mutual information with a single factor.

Shapes: M images, V variables, G groups, F factors.
"""

from __future__ import annotations

import numpy as np

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats, stream
from runner.metric.group_information import group_information
from runner.metric.histogram import discretise, mutual_information, varying_factors


def modularity(codes: Codes, *, samples: int, bins: int, seed: int) -> dict[str, float]:
    """Return the modularity.

    1 - Σ_{f ≠ best} I(z_v; f)² / ((F - 1) I(z_v; best)²), averaged over variables, where best is
    the factor with the largest I(z_v; f). Mutual information is estimated from codes in bins of
    equal width.

    Range: 0, if each variable has the same mutual information with every factor, to 1, if with one
    factor alone.

    Discrete variables: one variable each, binned by its largest column.

    Degenerate input: a variable independent of all factors, such as a constant one, counts as 0. A
    factor that does not vary among the images drawn is left out.

    Raises: UsageError if fewer than two factors vary among the images drawn.
    Source: Ridgeway & Mozer 2018; histograms as in Locatello et al. 2019.
    """
    sample = codes.sample(samples, stream(seed, "modularity"))
    factors_MF = sample.factors_MF[:, varying_factors(sample.factors_MF)]
    if factors_MF.shape[1] == 1:
        raise UsageError(
            f"modularity needs two factors that vary among the images drawn, here {len(sample)}"
        )
    bins_MV = discretise(sample.codes_MD, codes.variables, bins)
    return {"modularity": _modularity(mutual_information(bins_MV, factors_MF))}


def modularity_groups(
    codes: Codes, *, samples: int, neighbours: int, seed: int
) -> dict[str, float]:
    """Return the modularity of groups.

    As ``modularity``, with a group z_g in place of a variable. I(z_g; f) is estimated from the
    nearest ``neighbours`` images with the same value, see
    :func:`runner.metric.group_information.group_information`.

    Range: 0, if each group has the same mutual information with every factor, to 1, if with one
    factor alone.

    Discrete variables: the largest column is the category.

    Degenerate input: a group independent of all factors counts as 0. So that it does although its
    estimates are not exactly 0, less than 2 / sqrt(images) nats count as 0. A factor that does not
    vary among the images drawn is left out.

    Raises: UsageError if fewer than two factors vary among the images drawn.
    Source: Ridgeway & Mozer 2018, with a group in place of a variable; Ross 2014 for the estimate.
    """
    found = group_information(codes, samples=samples, neighbours=neighbours, seed=seed)
    if len(found.factor_names) == 1:
        raise UsageError("modularity_groups needs two factors that vary among the images drawn")
    return {"modularity_groups": _modularity(found.significant_GF)}


def _modularity(information_VF: Floats) -> float:
    square_VF = np.square(information_VF)
    best_V = square_VF.max(1)
    rest_V = square_VF.sum(1) - best_V
    informative_V = best_V > 0
    share_V = np.ones(len(best_V))
    others = square_VF.shape[1] - 1
    np.divide(rest_V, best_V * others, out=share_V, where=informative_V)
    return float(np.mean(1 - share_V))
