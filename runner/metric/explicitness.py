"""Explicitness: whether a linear classifier can read the factors off the code.

Shapes: M images, D dimensions of a code, S values of a factor.
"""

from __future__ import annotations

import warnings

import numpy as np

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.column_std import spread

_CHANCE = 0.5
"""Area under the curve of a constant prediction."""


def explicitness(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the explicitness on images to be judged by, and ``explicitness/train``.

    A logistic regression (multinomial, L-BFGS, scikit-learn's strength) predicts each factor from
    the codes, standardised by the images it learns from. The score is the area under the ROC curve
    that tells a value of the factor from all others, averaged over values, then over factors.

    Range: 0.5 by chance, 1 where each value is told from the others; not rescaled.

    A discrete variable's columns are all seen. A constant dimension is centred, not scaled. Of a
    factor with one value among the images to learn from, the prediction is constant: 0.5. A value
    not among them is predicted with probability 0; one not among the images to judge by, or the
    only one there, has no curve and is left out, and a factor with no curve at all counts as 0.5.

    Source: Ridgeway & Mozer 2018; as in Locatello et al. 2019, whose classifier was one logistic
    regression per value in the scikit-learn of that year.
    """
    learn, judge = codes.split(train, test, stream(seed, "explicitness"))
    centre_D, scale_D = learn.codes_MD.mean(0), spread(learn.codes_MD, ddof=0)
    scale_D[scale_D == 0] = 1.0
    known_MD = (learn.codes_MD - centre_D) / scale_D
    asked_MD = (judge.codes_MD - centre_D) / scale_D
    pairs: list[tuple[float, float]] = []
    for f in range(learn.factors_MF.shape[1]):
        values = int(codes.factors_NF[:, f].max()) + 1
        known_M, asked_M = learn.factors_MF[:, f], judge.factors_MF[:, f]
        known_MS, asked_MS = _probabilities(known_MD, known_M, asked_MD, values)
        pairs.append((_area(known_M, known_MS), _area(asked_M, asked_MS)))
    learned, judged = np.mean(pairs, axis=0)
    return {"explicitness": float(judged), "explicitness/train": float(learned)}


def _probabilities(
    known_MD: Floats, known_M: Integers, asked_MD: Floats, values: int
) -> tuple[Floats, Floats]:
    """Return the predicted probability of each value, for images known and for images asked of."""
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(known_MD), values)), np.zeros((len(asked_MD), values))
    if np.ptp(known_M) == 0:
        return found
    with warnings.catch_warnings():
        # Stopping at the step limit is part of the definition; so is a factor of many values.
        warnings.simplefilter("ignore", UserWarning)
        model = LogisticRegression().fit(known_MD, known_M)
    for probability_MS, codes_MD in zip(found, (known_MD, asked_MD), strict=True):
        probability_MS[:, model.classes_] = model.predict_proba(codes_MD)
    return found


def _area(values_M: Integers, probability_MS: Floats) -> float:
    """Return the area under the ROC curve, averaged over the values that have one."""
    from scipy.stats import rankdata

    counts_S = np.bincount(values_M, minlength=probability_MS.shape[1])
    curved_S = (counts_S > 0) & (counts_S < len(values_M))
    if not curved_S.any():
        return _CHANCE
    # The area is the share of pairs in the right order, which the ranks of those of a value tell.
    rank_MS = rankdata(probability_MS, axis=0)
    is_value_MS = values_M[:, None] == np.arange(probability_MS.shape[1])
    above_S = (rank_MS * is_value_MS).sum(0) - counts_S * (counts_S + 1) / 2
    pairs_S = counts_S * (len(values_M) - counts_S)
    return float(np.mean(above_S[curved_S] / pairs_S[curved_S]))
