"""The mutual information gap of variables, from histograms, and of groups of variables.

Shapes: V variables, G groups, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.metric.codes import Codes, Floats, stream
from runner.metric.gap import gaps
from runner.metric.group_information import group_information
from runner.metric.histogram import discretise, entropies, mutual_information, varying_factors


def mig(codes: Codes, *, samples: int, bins: int, seed: int) -> dict[str, float]:
    """Return the mutual information gap, and that of each factor as ``mig/<factor>``.

    (I(z_1; v) - I(z_2; v)) / H(v) for the two variables z with the largest I(z; v), averaged over
    the factors v. Mutual information is estimated from codes in bins of equal width, the entropy
    from the factors drawn.

    Range: 0 to 1. It is 1 if the bins of one variable determine each factor, and all other
    variables are independent of it.

    Discrete variables: one variable each, binned by its largest column.

    Degenerate input: a constant variable has I(z; v) = 0. With a single variable the gap is
    I(z; v). A factor that does not vary among the images drawn is left out.

    Raises: UsageError if no factor varies among the images drawn.
    Source: Chen et al. 2018; histograms as in Locatello et al. 2019.
    """
    sample = codes.sample(samples, stream(seed, "mig"))
    kept = varying_factors(sample.factors_MF)
    factors_MF = sample.factors_MF[:, kept]
    bins_MV = discretise(sample.codes_MD, codes.variables, bins)
    gap_F = gaps(mutual_information(bins_MV, factors_MF)) / entropies(factors_MF)
    return _scores("mig", [codes.factor_names[f] for f in kept], gap_F)


def mig_groups(codes: Codes, *, samples: int, neighbours: int, seed: int) -> dict[str, float]:
    """Return the mutual information gap of groups, and of each factor as ``mig_groups/<factor>``.

    (I(z_1; v) - I(z_2; v)) / H(v) for the two groups z with the largest I(z; v), averaged over the
    factors v. Mutual information and entropy are estimated from the nearest ``neighbours`` images
    with the same value, see :func:`runner.metric.group_information.group_information`.

    Range: 0 to 1. It is 1 if one group determines each factor, in whatever mixture of its
    variables, and all other groups are independent of it.

    Discrete variables: the largest column is the category.

    Degenerate input: constant groups have I(z; v) = 0. Images whose value no other image drawn has
    are left out, and so are factors that do not vary.

    Raises: UsageError if no factor has two images with the same value among those drawn.
    Source: Chen et al. 2018, with a group in place of a variable; Ross 2014 for the estimate, which
    differs from the histograms of ``mig``.
    """
    found = group_information(codes, samples=samples, neighbours=neighbours, seed=seed)
    gap_F = gaps(found.information_GF) / found.entropy_F
    return _scores("mig_groups", found.factor_names, gap_F)


def _scores(name: str, factors: Sequence[str], gap_F: Floats) -> dict[str, float]:
    by_factor = {f"{name}/{factor}": float(gap) for factor, gap in zip(factors, gap_F, strict=True)}
    return {name: float(np.mean(gap_F)), **by_factor}
