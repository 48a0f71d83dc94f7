"""Classifiers of factors from codes: over all cores, and defined where scikit-learn's are not.

Shapes: M images, D dimensions of a code, V variables.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

import numpy as np

from runner.errors import UsageError, nearest
from runner.metric.codes import Codes, Floats, Integers, Variable

T = TypeVar("T")


class Classifier(Protocol):
    """What scikit-learn and LightGBM call a classifier."""

    def fit(self, X: Floats, y: Integers, /) -> object:
        """Learn the class of each code."""
        ...

    def predict(self, X: Floats, /) -> object:
        """Return the most probable class of each code."""
        ...


def fit(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> Classifier:
    """Return the classifier, fitted; a constant one where there is a single class to learn from."""
    from sklearn.dummy import DummyClassifier

    if (classes_M == classes_M[0]).all():
        classifier = DummyClassifier(strategy="most_frequent")
    classifier.fit(codes_MD, classes_M)
    return classifier


def accuracy(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> float:
    """Return the share of codes whose class is predicted; one never learnt is always missed."""
    return float(np.mean(np.asarray(classifier.predict(codes_MD)) == classes_M))


def over_cores(jobs: Sequence[Callable[[], T]], costs: Sequence[float]) -> list[T]:
    """Return what each job returns, in their order; the costliest is begun first.

    Threads, since what is fitted here lets go of Python's lock where its time is spent. Each job
    has one core to itself, so that a sum is added up in the same order whatever machine it is: the
    result does not depend on the number of cores (which ``LOKY_MAX_CPU_COUNT`` limits).
    """
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    order = sorted(range(len(jobs)), key=lambda job: -costs[job])
    with warnings.catch_warnings(), threadpool_limits(1):
        # That a solver stopped at its limit of steps belongs to the definitions of the scores, and
        # that classes are many for so few images is what some of them are about.
        warnings.simplefilter("ignore", UserWarning)
        threads = Parallel(n_jobs=-1, backend="threading")
        done = cast("list[T]", threads(delayed(jobs[job])() for job in order))
    return [done[order.index(job)] for job in range(len(jobs))]


def standardise(learnt_MD: Floats, *others: Floats) -> list[Floats]:
    """Return all with the mean and standard deviation that the first has made 0 and 1.

    A column that is constant in the first is only shifted, to exactly 0 there.
    """
    varies_D = np.ptp(learnt_MD, axis=0) > 0
    centre_D = np.where(varies_D, learnt_MD.mean(0), learnt_MD[0])
    scale_D = np.where(varies_D, learnt_MD.std(0), 1.0)
    return [(part_MD - centre_D) / scale_D for part_MD in (learnt_MD, *others)]


def sum_columns(columns_xD: Floats, variables: Sequence[Variable]) -> Floats:
    """Return the sum over the columns of each variable, (..., V)."""
    return np.stack([columns_xD[..., v.columns].sum(-1) for v in variables], axis=-1)


def column_of(codes: Codes, factor: str) -> int:
    """Return where a factor stands.

    Raises: UsageError if there is none of that name, or it never varies.
    """
    if factor not in codes.factor_names:
        known = ", ".join(codes.factor_names)
        raise UsageError(
            f"no factor '{factor}' that varies, there is {known}",
            nearest(factor, codes.factor_names),
        )
    return codes.factor_names.index(factor)
