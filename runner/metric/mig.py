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

    (I(z_1; v) - I(z_2; v)) / H(v) for the two variables that know most of a factor v, averaged
    over factors; information from codes in bins of equal width, entropies of the factors drawn.

    Range: 0 to 1, which needs each factor to be read off one variable, by bins that tell its
    values apart, and off no other. A ratio of nats.

    A discrete variable is one variable, in the bin of its largest column. A constant one knows
    nothing. A lone variable's gap is all it knows. A factor that does not vary among the images
    drawn is left out.

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
