"""Disentanglement, completeness and informativeness, from the coefficients of a lasso.

Shapes: M images, D dimensions of a code, V variables or groups, F factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from runner.metric.codes import Codes, Floats, stream
from runner.metric.importance import completenesses, disentanglements, weighted
from runner.metric.predictors import over_cores, standardise, sum_columns

_FOLDS = 5


def eastwood_williams(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return disentanglement, completeness and informativeness of a linear map to the factors.

    For each factor a lasso predicts the value of the factor, as it is given and standardised, from
    the standardised codes of ``train`` images. So unlike in ``dci`` it matters how large the values
    are. The weight of the L1 penalty is the best of a hundred in a cross-validation over five folds
    (scikit-learn's LassoCV with its default settings). R, (V, F), holds the absolute coefficients.

    Keys:
        eastwood_williams/disentanglement: 1 - H(row of R) / log(factors), averaged over variables
            with their share of the total importance as weight. 0 to 1.
        eastwood_williams/completeness: 1 - H(column of R) / log(variables), the unweighted mean
            over factors. 0 to 1.
        eastwood_williams/informativeness: an error, as in the paper: LOWER IS BETTER. Root mean
            squared error on the ``test`` images over the standard deviation of the factor there,
            mean over factors. 0 is perfect; always predicting the mean gives 1.
    Discrete variables: every column is an input; R has the sum of their absolute coefficients.
    Degenerate input: a constant dimension, and a factor with a single value among the training
        images, have coefficients 0; a row or column of zeros scores 0. If the ``test`` images have
        a single value of a factor, its error is 0 if every prediction is exact, else 1. With a
        single factor disentanglement is always 1, with a single variable completeness. If there are
        fewer images than requested, all are used.
    Source: Eastwood & Williams 2018; scores of this kind in Esmaeili et al. 2019.
    """
    fitted = _fit(codes, train, test, seed)
    return {
        **_concentrations("eastwood_williams", sum_columns(fitted.size_FD, codes.variables).T),
        "eastwood_williams/informativeness": fitted.error,
    }


def eastwood_williams_groups(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return disentanglement and completeness of groups, from the lasso of eastwood_williams.

    As ``eastwood_williams``, with a group in place of a variable: the importance of a group for a
    factor is the sum of the absolute coefficients of its variables.

    Keys:
        eastwood_williams_groups/disentanglement, eastwood_williams_groups/completeness: as those of
            ``eastwood_williams``, of groups. 0 to 1.
    Discrete variables: every column is an input; R has the sum of their absolute coefficients.
    Degenerate input: as for ``eastwood_williams``.
    Source: Eastwood & Williams 2018, with a group in place of a variable.
    """
    fitted = _fit(codes, train, test, seed)
    importance_GF = sum_columns(fitted.size_FD, codes.groups).T
    return _concentrations("eastwood_williams_groups", importance_GF)


@dataclass(frozen=True)
class _Fitted:
    """The absolute coefficients, (F, D), and the prediction error, the mean over factors."""

    size_FD: Floats
    error: float


def _fit(codes: Codes, train: int, test: int, seed: int) -> _Fitted:
    train_sample, test_sample = codes.split(train, test, stream(seed, "eastwood_williams"))
    train_MD, test_MD = standardise(train_sample.codes_MD, test_sample.codes_MD)
    target_MF, truth_MF = standardise(
        *(codes.values_of(part) for part in (train_sample, test_sample))
    )
    jobs = [partial(_fit_lasso, train_MD, target_M) for target_M in target_MF.T]
    coefficient_FD = np.stack(over_cores(jobs, [1.0] * len(jobs)))
    errors = [
        _error(test_MD @ coefficient_D, truth_M)
        for coefficient_D, truth_M in zip(coefficient_FD, truth_MF.T, strict=True)
    ]
    return _Fitted(np.abs(coefficient_FD), float(np.mean(errors)))


def _concentrations(name: str, importance_VF: Floats) -> dict[str, float]:
    return {
        f"{name}/disentanglement": weighted(disentanglements(importance_VF), importance_VF),
        f"{name}/completeness": float(completenesses(importance_VF).mean()),
    }


def _fit_lasso(codes_MD: Floats, target_M: Floats) -> Floats:
    """Return the coefficients, (D,); codes and target have the mean 0, so there is no intercept."""
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import KFold

    if np.ptp(target_M) == 0 or not codes_MD.any():
        return np.zeros(codes_MD.shape[1])
    return LassoCV(cv=KFold(min(_FOLDS, len(target_M)))).fit(codes_MD, target_M).coef_


def _error(predicted_M: Floats, truth_M: Floats) -> float:
    error = float(np.sqrt(np.mean((predicted_M - truth_M) ** 2)))
    spread = float(truth_M.std()) if np.ptp(truth_M) > 0 else 0.0
    return error / spread if spread else float(error > 0)
