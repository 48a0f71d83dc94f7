"""The separated attribute predictability score.

Shapes: M images, D dimensions of a code, C columns of a variable, V variables or groups,
F factors.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import product
from typing import cast

import numpy as np

from runner import progress
from runner.metric.codes import Codes, Floats, Integers, Sample, stream
from runner.metric.gap import gaps
from runner.metric.variables import Group, Variable


def sap(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the separated attribute predictability, and that of each factor as ``sap/<factor>``.

    The test accuracy of the variable that predicts a factor best, less that of the second best,
    averaged over factors. A linear support vector machine (C = 0.01, balanced class weights)
    predicts the factor from one variable.

    Range: 0 to 1. It is far below 1 even for ideal codes, as a linear classifier of one number
    cannot separate many values.

    Discrete variables: one variable each; all of its columns are inputs.

    Degenerate input: with a single variable the gap is its accuracy. If the training images have
    one value of a factor, it is predicted always. Numbers outside the range of single precision are
    set to zero or to the largest number in it.

    Source: Kumar et al. 2018, for categorical factors; as in Locatello et al. 2019, except that the
    machine is fitted by Newton's method, which is deterministic and faster and has the same optimum
    (except with fewer training images than columns).
    """
    train_sample, test_sample = codes.split(train, test, stream(seed, "sap"))
    return _scores("sap", codes, gaps(_accuracies(codes.variables, train_sample, test_sample)))


def sap_groups(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the attribute predictability of groups, and of each factor: ``sap_groups/<factor>``.

    As ``sap``, with a group in place of a variable: the linear support vector machine has all
    columns of a group as inputs, so that it finds a factor in any direction within the group.

    Range: 0 to 1.

    Discrete variables: all columns are inputs.

    Degenerate input: as for ``sap``.

    Source: Kumar et al. 2018, with a group in place of a variable.
    """
    train_sample, test_sample = codes.split(train, test, stream(seed, "sap"))
    accuracy_GF = _accuracies(codes.groups, train_sample, test_sample)
    return _scores("sap_groups", codes, gaps(accuracy_GF))


def _scores(name: str, codes: Codes, gap_F: Floats) -> dict[str, float]:
    by_factor = {f"{name}/{n}": float(g) for n, g in zip(codes.factor_names, gap_F, strict=True)}
    return {name: float(np.mean(gap_F)), **by_factor}


def _accuracies(variables: Sequence[Variable | Group], train: Sample, test: Sample) -> Floats:
    """Return the test accuracy of each variable or group for each factor, (V, F)."""
    from joblib import Parallel, delayed

    shape = len(variables), train.factors_MF.shape[1]
    train_MD, test_MD = _within_single(train.codes_MD), _within_single(test.codes_MD)
    with warnings.catch_warnings():
        # Stopping at the step limit and factors of many values are part of the definition.
        # Threads share these filters, and the fits release Python's global lock.
        warnings.simplefilter("ignore", UserWarning)
        threads = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
        fits = threads(
            delayed(_accuracy)(
                (train_MD[:, variables[v].columns], train.factors_MF[:, f]),
                (test_MD[:, variables[v].columns], test.factors_MF[:, f]),
            )
            for v, f in product(range(shape[0]), range(shape[1]))
        )
        found = list(
            progress.counted(cast("Iterator[float]", fits), "fitting", shape[0] * shape[1])
        )
    return np.array(found).reshape(shape)


def _within_single(codes_MD: Floats) -> Floats:
    """Return the codes, with numbers outside the range of single precision set to 0 or clipped."""
    # If squares of a code underflow or overflow, liblinear's Newton iteration does not terminate.
    limits = np.finfo(np.float32)
    clipped_MD = np.clip(codes_MD, limits.min, limits.max)
    return np.where(np.abs(clipped_MD) < limits.tiny, 0.0, clipped_MD)


def _accuracy(train: tuple[Floats, Integers], test: tuple[Floats, Integers]) -> float:
    """Return the accuracy on ``test`` of a classifier fitted to ``train``: (codes, values) each."""
    from sklearn.svm import LinearSVC

    (train_MC, train_M), (test_MC, test_M) = train, test
    if np.ptp(train_M) == 0:
        return float(np.mean(test_M == train_M[0]))
    machine = LinearSVC(C=0.01, class_weight="balanced", dual="auto", random_state=0)
    return float(np.mean(machine.fit(train_MC, train_M).predict(test_MC) == test_M))
