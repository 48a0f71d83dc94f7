"""Ensembles of boosted trees that predict each factor: fitted once for all scores.

Shapes: D dimensions of a code, V variables or groups, F
factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from runner.metric.codes import Codes, Floats, Sample, stream
from runner.metric.predictors import Classifier, accuracy, fit, over_cores, sum_columns
from runner.metric.variables import Group, Variable

_cache: WeakKeyDictionary[Codes, dict[tuple[int, int, int], Trees]] = WeakKeyDictionary()
"""Results of :func:`boosted` by (train, test, seed), for as long as the codes exist."""


@dataclass(frozen=True)
class Trees:
    """Importances and accuracies of one ensemble per factor, all trained on the same images."""

    importance_FD: Floats
    """Of each column of the codes; those of a factor sum to 1, or all are 0."""
    train_accuracy_F: Floats
    test_accuracy_F: Floats

    def importance_of(self, variables: Sequence[Variable | Group]) -> Floats:
        """Return the sum over the columns of each variable or group, (V, F)."""
        return sum_columns(self.importance_FD, variables).T


def boosted(codes: Codes, train: Sequence[int], *, test: int, seed: int) -> list[Trees]:
    """Return scikit-learn's GradientBoostingClassifier for each number of training images.

    With its default settings: 100 trees per class (100 in all for two classes), depth 3, learning
    rate 0.1. The images depend on (train, test, seed) alone, and different numbers of training
    images are drawn independently. Ensembles are fitted once for the same codes and arguments.
    """
    cached = _cache.setdefault(codes, {})
    missing = [size for size in dict.fromkeys(train) if (size, test, seed) not in cached]
    found = fit_trees(codes, missing, test=test, seed=seed, classifier=_gradient_boosting)
    cached.update({(size, test, seed): trees for size, trees in zip(missing, found, strict=True)})
    return [cached[size, test, seed] for size in train]


def fit_trees(
    codes: Codes,
    train: Sequence[int],
    *,
    test: int,
    seed: int,
    classifier: Callable[[int], Classifier],
) -> list[Trees]:
    """Return the fitted ensembles' importances and accuracies for each number of training images.

    Args:
        codes: the codes that training and test images are drawn from.
        train: numbers of training images.
        test: number of test images.
        seed: seed of the draws, which are the same for every classifier, and of the ensembles.
        classifier: given a seed, a classifier that has ``feature_importances_`` once fitted.
    """
    jobs: list[Callable[[], _Fit]] = []
    costs: list[float] = []
    for size in train:
        source = stream(seed, f"trees/{size}")
        train_sample, test_sample = codes.split(size, test, source)
        for factor in range(codes.factors_NF.shape[1]):
            model = classifier(int(source.integers(2**31)))
            jobs.append(partial(_fit_factor, model, train_sample, test_sample, factor))
            costs.append(
                len(train_sample) * float(np.unique(train_sample.factors_MF[:, factor]).size)
            )
    fits = over_cores(jobs, costs)
    factors = codes.factors_NF.shape[1]
    return [_gather(fits[i * factors :][:factors]) for i in range(len(train))]


@dataclass(frozen=True)
class _Fit:
    importance_D: Floats
    train_accuracy: float
    test_accuracy: float


def _fit_factor(model: Classifier, train_sample: Sample, test_sample: Sample, factor: int) -> _Fit:
    classes_M = train_sample.factors_MF[:, factor]
    model = fit(model, train_sample.codes_MD, classes_M)
    # The constant classifier for a single class has no importances.
    importance_D = np.abs(
        getattr(model, "feature_importances_", np.zeros(train_sample.codes_MD.shape[1]))
    )
    return _Fit(
        importance_D / (importance_D.sum() or 1),
        accuracy(model, train_sample.codes_MD, classes_M),
        accuracy(model, test_sample.codes_MD, test_sample.factors_MF[:, factor]),
    )


def _gather(fits: Sequence[_Fit]) -> Trees:
    return Trees(
        importance_FD=np.stack([fit.importance_D for fit in fits]),
        train_accuracy_F=np.array([fit.train_accuracy for fit in fits]),
        test_accuracy_F=np.array([fit.test_accuracy for fit in fits]),
    )


def _gradient_boosting(seed: int) -> Classifier:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(random_state=seed)
