"""The mutual information gap, from histograms of the codes.

Shapes: V variables, F factors.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Codes, stream
from runner.metric.gap import gaps
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
    by_factor = {f"mig/{codes.factor_names[f]}": float(g) for f, g in zip(kept, gap_F, strict=True)}
    return {"mig": float(np.mean(gap_F)), **by_factor}
