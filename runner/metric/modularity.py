"""Modularity: whether each variable has mutual information with a single factor.

Shapes: M images, V variables, F factors.
"""

from __future__ import annotations

import numpy as np

from runner.errors import UsageError
from runner.metric.codes import Codes, stream
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
    others = factors_MF.shape[1] - 1
    if others == 0:
        raise UsageError(
            f"modularity needs two factors that vary among the images drawn, here {len(sample)}"
        )
    bins_MV = discretise(sample.codes_MD, codes.variables, bins)
    square_VF = np.square(mutual_information(bins_MV, factors_MF))
    best_V = square_VF.max(1)
    rest_V = square_VF.sum(1) - best_V
    informative_V = best_V > 0
    share_V = np.ones(len(best_V))
    np.divide(rest_V, best_V * others, out=share_V, where=informative_V)
    return {"modularity": float(np.mean(1 - share_V))}
