"""The FactorVAE score: whether the variable that varies least identifies the fixed factor.

Shapes: P votes, C votes of a chunk, B images behind a vote, D dimensions of a code, V variables
or groups, A active ones, F factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import sum_columns
from runner.metric.variables import Group, Variable
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
    active = _find_active(codes, codes.variables, (variance_samples, least_spread), source)
    return _scores("factor_vae", codes, active, (train, test, batch), source)


def factor_vae_groups(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes,
    *,
    train: int,
    test: int,
    batch: int,
    variance_samples: int,
    least_spread: float,
    seed: int,
) -> dict[str, float]:
    """Return the FactorVAE score of groups.

    As ``factor_vae``, with a group in place of a variable: its variance is the sum over its
    columns, which a rotation within the group does not change.

    Keys: ``factor_vae_groups``, on the test votes; ``factor_vae_groups/train``;
        ``factor_vae_groups/active_groups``.
    Range: 1 / factors (chance) to 1; with a single factor always 1.
    Discrete variables: every column counts.
    Degenerate input: as for ``factor_vae``.
    Raises: UsageError if ``batch`` or ``variance_samples`` is below two.
    Source: Kim & Mnih 2018, with a group in place of a variable.
    """
    if min(batch, variance_samples) < 2:
        raise UsageError("factor_vae needs a batch and variance_samples of at least two images")
    source = stream(seed, "factor_vae")
    active = _find_active(codes, codes.groups, (variance_samples, least_spread), source)
    scores = _scores("factor_vae_groups", codes, active, (train, test, batch), source)
    return {name.replace("active_variables", "active_groups"): v for name, v in scores.items()}


def _scores(
    name: str, codes: Codes, active: _Active, sizes: tuple[int, int, int], source: Generator
) -> dict[str, float]:
    """Return the scores; ``sizes`` are the numbers of votes, and of images behind a vote."""
    train, test, batch = sizes
    train_score = test_score = 0.0
    if active.variables:
        train_AF = _count_votes(codes, batch, active, source, train)
        test_AF = _count_votes(codes, batch, active, source, test)
        factor_A = train_AF.argmax(1)
        train_score, test_score = _share(train_AF, factor_A), _share(test_AF, factor_A)
    return {
        name: test_score,
        f"{name}/train": train_score,
        f"{name}/active_variables": float(len(active.variables)),
    }


@dataclass(frozen=True)
class _Active:
    """The active variables or groups, and the variance of each over all images, (A,)."""

    variables: tuple[Variable | Group, ...]
    variance_A: Floats


def _find_active(
    codes: Codes,
    variables: Sequence[Variable | Group],
    least: tuple[int, float],
    source: Generator,
) -> _Active:
    """Return what is active; ``least`` are the images behind a variance and the least spread."""
    samples, least_spread = least
    variance_V = _variances(codes.sample(samples, source).codes_MD, variables)
    active_A = np.flatnonzero((variance_V > 0) & (np.sqrt(variance_V) >= least_spread))
    return _Active(tuple(variables[v] for v in active_A.tolist()), variance_V[active_A])


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


def _variances(codes_xBD: Floats, variables: Sequence[Variable | Group]) -> Floats:
    return sum_columns(codes_xBD.var(-2, ddof=1), variables)


def _share(votes_AF: Integers, factor_A: Integers) -> float:
    """Return the share of votes whose variable is mapped to their factor by ``factor_A``."""
    right_A1 = np.take_along_axis(votes_AF, factor_A[:, None], axis=1)
    return float(right_A1.sum() / votes_AF.sum())
