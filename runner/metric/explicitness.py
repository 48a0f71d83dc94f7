"""Explicitness: how well a linear classifier separates the values of a factor.

Shapes: M images, D dimensions of a code, S values of a factor.
"""

from __future__ import annotations

import warnings

import numpy as np

from runner import progress
from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.column_std import column_std

_CHANCE = 0.5
"""Area under the curve of a constant prediction."""


def explicitness(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the explicitness on test images, and on training images as ``explicitness/train``.

    A logistic regression (multinomial, L-BFGS, scikit-learn's default L2 penalty) predicts each
    factor from the codes, standardised with the mean and standard deviation of the training images.
    The score is the area under the ROC curve of each value against all others, averaged over
    values, then over factors.

    Range: 0.5 by chance, 1 where each value is separated from the others; not rescaled.

    Discrete variables: every column is an input.

    Degenerate input: a constant dimension is centred, not scaled. A factor with a single value
    among the training images has a constant prediction and counts as 0.5. A value that does not
    occur among them is predicted with probability 0. A value that none or all of the test images
    have has no ROC curve and is left out; a factor without any curve counts as 0.5.

    Source: Ridgeway & Mozer 2018; as in Locatello et al. 2019, whose classifier was one logistic
    regression per value in the scikit-learn of that year.
    """
    train_sample, test_sample = codes.split(train, test, stream(seed, "explicitness"))
    centre_D, scale_D = train_sample.codes_MD.mean(0), column_std(train_sample.codes_MD, ddof=0)
    scale_D[scale_D == 0] = 1.0
    train_MD = (train_sample.codes_MD - centre_D) / scale_D
    test_MD = (test_sample.codes_MD - centre_D) / scale_D
    pairs: list[tuple[float, float]] = []
    factors = train_sample.factors_MF.shape[1]
    for f in progress.counted(range(factors), "fitting", factors):
        values = int(codes.factors_NF[:, f].max()) + 1
        train_M, test_M = train_sample.factors_MF[:, f], test_sample.factors_MF[:, f]
        train_MS, test_MS = _probabilities(train_MD, train_M, test_MD, values)
        pairs.append((_area(train_M, train_MS), _area(test_M, test_MS)))
    train_score, test_score = np.mean(pairs, axis=0)
    return {"explicitness": float(test_score), "explicitness/train": float(train_score)}


def _probabilities(
    train_MD: Floats, train_M: Integers, test_MD: Floats, values: int
) -> tuple[Floats, Floats]:
    """Return the predicted probability of each value for the training and the test images."""
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(train_MD), values)), np.zeros((len(test_MD), values))
    if np.ptp(train_M) == 0:
        return found
    with warnings.catch_warnings():
        # Stopping at the step limit and factors of many values are part of the definition.
        warnings.simplefilter("ignore", UserWarning)
        model = LogisticRegression().fit(train_MD, train_M)
    for probability_MS, codes_MD in zip(found, (train_MD, test_MD), strict=True):
        probability_MS[:, model.classes_] = model.predict_proba(codes_MD)
    return found


def _area(values_M: Integers, probability_MS: Floats) -> float:
    """Return the area under the ROC curve, averaged over the values that have one."""
    from scipy.stats import rankdata

    counts_S = np.bincount(values_M, minlength=probability_MS.shape[1])
    curved_S = (counts_S > 0) & (counts_S < len(values_M))
    if not curved_S.any():
        return _CHANCE
    # The area is the share of (positive, negative) pairs in the right order: the U statistic of
    # the positives over the number of pairs.
    rank_MS = rankdata(probability_MS, axis=0)
    is_value_MS = values_M[:, None] == np.arange(probability_MS.shape[1])
    above_S = (rank_MS * is_value_MS).sum(0) - counts_S * (counts_S + 1) / 2
    pairs_S = counts_S * (len(values_M) - counts_S)
    return float(np.mean(above_S[curved_S] / pairs_S[curved_S]))
