"""The FactorVAE score: whether the variable that varies least identifies the fixed factor.

Shapes: P votes, C votes of a chunk, B images behind a vote, D dimensions of a code, V variables,
A active variables, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import sum_columns
from runner.metric.variables import Variable
from runner.metric.votes import chunks


def factor_vae(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes,
    *,
    train: int,
    test: int,
    batch: int,
    variance_samples: int,
    least_spread: float,
    seed: int,
) -> dict[str, float]:
    """Return the accuracy of predicting a batch's fixed factor from its least-varying variable.

    A variable is active if its standard deviation over ``variance_samples`` images is at least
    ``least_spread``. Each vote draws a factor k and ``batch`` images with the same value of it: the
    first uniformly from all images, the others from those with the same value. The vote is for the
    active variable with the smallest variance in the batch relative to that over all images. The
    classifier maps a variable to the factor of most of its ``train`` votes; the score is its
    accuracy on ``test`` other votes.

    Keys: ``factor_vae``, on the test votes; ``factor_vae/train``; ``factor_vae/active_variables``.
    Range: 1 / factors (chance) to 1; with a single factor always 1.
    Discrete variables: the variance is the sum over the columns, which for one-hot columns is the
        probability that two images differ in value.
    Degenerate input: 0 if no variable is active; a constant one never is. A variable without
        ``train`` votes is mapped to the first factor.
    Raises: UsageError if ``batch`` or ``variance_samples`` is below two.
    Source: Kim & Mnih 2018; sizes of Locatello et al. 2019. Their code reports the
        number of all variables as active variables; this one counts the active ones.
    """
    if min(batch, variance_samples) < 2:
        raise UsageError("factor_vae needs a batch and variance_samples of at least two images")
    source = stream(seed, "factor_vae")
    active = _find_active(codes, variance_samples, least_spread, source)
    train_score = test_score = 0.0
    if active.variables:
        train_AF = _count_votes(codes, batch, active, source, train)
        test_AF = _count_votes(codes, batch, active, source, test)
        factor_A = train_AF.argmax(1)
        train_score, test_score = _share(train_AF, factor_A), _share(test_AF, factor_A)
    return {
        "factor_vae": test_score,
        "factor_vae/train": train_score,
        "factor_vae/active_variables": float(len(active.variables)),
    }


@dataclass(frozen=True)
class _Active:
    """The active variables, and the variance of each over all images, (A,)."""

    variables: tuple[Variable, ...]
    variance_A: Floats


def _find_active(codes: Codes, samples: int, least_spread: float, source: Generator) -> _Active:
    variance_V = _variances(codes.sample(samples, source).codes_MD, codes.variables)
    active_A = np.flatnonzero((variance_V > 0) & (np.sqrt(variance_V) >= least_spread))
    return _Active(tuple(codes.variables[v] for v in active_A), variance_V[active_A])


def _count_votes(
    codes: Codes, batch: int, active: _Active, source: Generator, count: int
) -> Integers:
    """Return the number of votes for each active variable by fixed factor, (A, F)."""
    factors = codes.factors_NF.shape[1]
    factor_P = source.integers(factors, size=count)
    votes_AF = np.zeros((len(active.variables), factors), dtype=np.int64)
    for factor, votes in chunks(factor_P, batch):
        first_C1 = codes.draw_rows(len(votes), source)[:, None]
        others_CB = codes.partners(np.repeat(first_C1, batch - 1, axis=1), factor, source)
        rows_CB = np.concatenate([first_C1, others_CB], axis=1)
        variance_CA = _variances(codes.codes_ND[rows_CB], active.variables)
        winner_C = (variance_CA / active.variance_A).argmin(1)
        votes_AF[:, factor] += np.bincount(winner_C, minlength=len(votes_AF))
    return votes_AF


def _variances(codes_xBD: Floats, variables: Sequence[Variable]) -> Floats:
    return sum_columns(codes_xBD.var(-2, ddof=1), variables)


def _share(votes_AF: Integers, factor_A: Integers) -> float:
    """Return the share of votes whose variable is mapped to their factor by ``factor_A``."""
    right_A1 = np.take_along_axis(votes_AF, factor_A[:, None], axis=1)
    return float(right_A1.sum() / votes_AF.sum())
