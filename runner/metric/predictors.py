"""Fitting classifiers of factors on all cores, also where scikit-learn refuses to.

Shapes: M images, D dimensions of a code, V variables.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, cast

import numpy as np

from runner import progress
from runner.errors import UsageError, nearest
from runner.metric.codes import Codes, Floats, Integers
from runner.metric.variables import Group, Variable

T = TypeVar("T")


class Classifier(Protocol):
    """A classifier with the interface of scikit-learn."""

    def fit(self, X: Floats, y: Integers, /) -> object:
        """Fit the classifier to codes X, (M, D), with classes y, (M,)."""
        ...

    def predict(self, X: Floats, /) -> object:
        """Return the most probable class of each code, (M,)."""
        ...


def fit(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> Classifier:
    """Return the classifier, fitted; for a single class a constant one in its place."""
    from sklearn.dummy import DummyClassifier

    if (classes_M == classes_M[0]).all():
        classifier = DummyClassifier(strategy="most_frequent")
    classifier.fit(codes_MD, classes_M)
    return classifier


def accuracy(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> float:
    """Return the accuracy; a class that was not in the training data is never predicted."""
    return float(np.mean(np.asarray(classifier.predict(codes_MD)) == classes_M))


def over_cores(jobs: Sequence[Callable[[], T]], costs: Sequence[float]) -> list[T]:
    """Run jobs on all cores, the most costly first, and return their results in the given order.

    They run in threads, since the fits release Python's global lock. Each job uses one core, so
    that sums are added in the same order on every machine: results do not depend on the number of
    cores (which ``LOKY_MAX_CPU_COUNT`` limits).
    """
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    order = sorted(range(len(jobs)), key=lambda job: -costs[job])
    with warnings.catch_warnings(), threadpool_limits(1):
        # Some scores are defined with a solver that stops at its step limit, or with many classes
        # for few images; scikit-learn warns of both.
        warnings.simplefilter("ignore", UserWarning)
        threads = Parallel(n_jobs=-1, backend="threading", return_as="generator")
        fits = cast("Iterator[T]", threads(delayed(jobs[job])() for job in order))
        done = dict(zip(order, progress.counted(fits, "fitting", len(jobs)), strict=True))
    return [done[job] for job in range(len(jobs))]


def standardise(train_MD: Floats, *others: Floats) -> list[Floats]:
    """Return all arrays, standardised with the mean and standard deviation of the first.

    A column that is constant in the first is shifted to exactly 0 there, and not scaled.
    """
    varies_D = np.ptp(train_MD, axis=0) > 0
    centre_D = np.where(varies_D, train_MD.mean(0), train_MD[0])
    scale_D = np.where(varies_D, train_MD.std(0), 1.0)
    return [(part_MD - centre_D) / scale_D for part_MD in (train_MD, *others)]


def sum_columns(columns_xD: Floats, variables: Sequence[Variable | Group]) -> Floats:
    """Return the sum over the columns of each variable or group, (..., V)."""
    return np.stack([columns_xD[..., v.columns].sum(-1) for v in variables], axis=-1)


def column_of(codes: Codes, factor: str) -> int:
    """Return the column of a factor.

    Raises: UsageError if no factor that varies has this name.
    """
    if factor not in codes.factor_names:
        known = ", ".join(codes.factor_names)
        raise UsageError(
            f"no factor '{factor}' that varies, there is {known}",
            nearest(factor, codes.factor_names),
        )
    return codes.factor_names.index(factor)
