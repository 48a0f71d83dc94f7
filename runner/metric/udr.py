"""The unsupervised disentanglement ranking: whether models of one kind have the same dimensions.

Shapes: M images, D dimensions of a code, I and J informative dimensions of two models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from runner.errors import UsageError
from runner.metric.codes import Floats
from runner.metric.predictors import over_cores, standardise


def udr(
    models: Sequence[tuple[ArrayLike, ArrayLike]], *, least_rate: float, lasso: float
) -> list[dict[str, float]]:
    """Return how far the dimensions of each model match those of the others one to one.

    Only dimensions with a mean KL above ``least_rate`` are used; they are standardised. R, (I, J),
    relates the dimensions of another model (rows) to those of a model (columns). It holds either
    the absolute coefficients of a lasso that predicts the model's dimensions from the other's, or
    the absolute rank correlations. The score of the pair is the average of two means, that of
    max² / sum over the rows of R and that over its columns; the score of the model is the median
    over all other models.

    Args:
        models: the codes, (M, D), of each model and the mean KL of each dimension, (D,), in nats.
            Row m of all codes is the same image; the number of dimensions may differ.
        least_rate: the least mean KL of a dimension that is used, in nats.
        lasso: the weight of the L1 penalty, added to half the mean squared error.

    Keys: ``udr_lasso``, ``udr_spearman``, for each model in the order given.
    Range: 0 to about 1 (a lasso coefficient may exceed 1).
    Discrete variables: no special treatment; every column of the codes is a dimension.
    Degenerate input: a pair scores 0 if one of the two has no dimension above ``least_rate``. The
        row or column of a constant dimension is 0.
    Raises: UsageError for a single model, or codes of different images.
    Source: Duan et al. 2020; the lasso is asymmetric, and its direction is that of the code of
        Locatello et al.
    """
    if len(models) < 2:
        raise UsageError("udr compares models with each other, and there is only one")
    informative = [_informative(codes_MD, rate_D, least_rate) for codes_MD, rate_D in models]
    if len({len(codes_MI) for codes_MI in informative}) > 1:
        raise UsageError("udr compares codes of the same images, these differ in number")
    ranks = [_ranks(codes_MI) for codes_MI in informative]
    by_lasso = _medians(informative, lambda x_MI, y_MJ: _coefficients(x_MI, y_MJ, lasso))
    by_rank = _medians(ranks, lambda x_MI, y_MJ: np.abs(x_MI.T @ y_MJ) / len(x_MI))
    return [
        {"udr_lasso": one, "udr_spearman": other}
        for one, other in zip(by_lasso, by_rank, strict=True)
    ]


def _informative(codes_MD: ArrayLike, rate_D: ArrayLike, least_rate: float) -> Floats:
    codes_MD = np.asarray(codes_MD, dtype=np.float64)
    return standardise(codes_MD[:, np.asarray(rate_D) > least_rate])[0]


def _ranks(codes_MI: Floats) -> Floats:
    """Return the standardised ranks; the mean of their products is the rank correlation."""
    from scipy.stats import rankdata

    return standardise(rankdata(codes_MI, axis=0))[0] if codes_MI.size else codes_MI


def _medians(models: Sequence[Floats], relate: Callable[[Floats, Floats], Floats]) -> list[float]:
    """Return for each model the median of its pair scores with all others."""
    pairs = [(other, own) for own in models for other in models if other is not own]
    scores = over_cores([partial(_score, *pair, relate) for pair in pairs], [1.0] * len(pairs))
    return np.median(np.reshape(scores, (len(models), -1)), axis=1).tolist()


def _score(other_MI: Floats, own_MJ: Floats, relate: Callable[[Floats, Floats], Floats]) -> float:
    if not other_MI.shape[1] or not own_MJ.shape[1]:
        return 0.0
    relation_IJ = relate(other_MI, own_MJ)
    return (_strength(relation_IJ) + _strength(relation_IJ.T)) / 2


def _strength(relation_IJ: Floats) -> float:
    """Return the mean over rows of max² / sum, 0 for a row of zeros."""
    sum_I = relation_IJ.sum(1)
    return float(np.mean(relation_IJ.max(1) ** 2 / np.where(sum_I > 0, sum_I, 1)))


def _coefficients(other_MI: Floats, own_MJ: Floats, strength: float) -> Floats:
    from sklearn.linear_model import Lasso

    fitted = Lasso(alpha=strength).fit(other_MI, own_MJ)
    return np.abs(np.reshape(fitted.coef_, (own_MJ.shape[1], -1))).T
