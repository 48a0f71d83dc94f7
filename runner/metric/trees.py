"""What ensembles of boosted trees learn of each factor: fitted once, over all cores.

Shapes: D dimensions of a code, V variables, F factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from runner.metric.codes import Codes, Floats, Sample, stream
from runner.metric.predictors import Classifier, accuracy, fit, over_cores, sum_columns

_known: WeakKeyDictionary[Codes, dict[tuple[int, int, int], Trees]] = WeakKeyDictionary()
"""What :func:`boosted` found, by (train, test, seed), for as long as the codes are alive."""


@dataclass(frozen=True)
class Trees:
    """What the ensembles of all factors tell: one for each, learnt from the same images."""

    importance_VF: Floats
    """Of a variable's columns together; a factor's importances have the sum 1, or all are 0."""
    train_accuracy_F: Floats
    test_accuracy_F: Floats


def boosted(codes: Codes, train: Sequence[int], *, test: int, seed: int) -> list[Trees]:
    """Return what scikit-learn's GradientBoostingClassifier learns from each number of images.

    As it comes: 100 trees per class (one for two classes), depth 3, learning rate 0.1. Every number
    of images has images of its own, drawn by (train, test, seed) alone, and its ensembles are
    fitted once for the codes: who asks again, be it another score, is given the same.
    """
    known = _known.setdefault(codes, {})
    missing = [size for size in dict.fromkeys(train) if (size, test, seed) not in known]
    found = fit_trees(codes, missing, test=test, seed=seed, classifier=_gradient_boosting)
    known.update({(size, test, seed): trees for size, trees in zip(missing, found, strict=True)})
    return [known[size, test, seed] for size in train]


def fit_trees(
    codes: Codes,
    train: Sequence[int],
    *,
    test: int,
    seed: int,
    classifier: Callable[[int], Classifier],
) -> list[Trees]:
    """Return what ensembles tell for each number of training images.

    Args:
        codes: of which images are drawn, the same for every classifier.
        train: numbers of images to learn from.
        test: number of images to be judged by.
        seed: of the draws and, drawn from it, of the ensembles.
        classifier: given a seed, one that has ``feature_importances_`` once it is fitted.
    """
    jobs: list[Callable[[], _Fit]] = []
    costs: list[float] = []
    for size in train:
        source = stream(seed, f"trees/{size}")
        learnt, judged = codes.split(size, test, source)
        for factor in range(codes.factors_NF.shape[1]):
            model = classifier(int(source.integers(2**31)))
            jobs.append(partial(_fit_factor, model, learnt, judged, factor))
            costs.append(len(learnt) * float(np.unique(learnt.factors_MF[:, factor]).size))
    fits = over_cores(jobs, costs)
    factors = codes.factors_NF.shape[1]
    return [_gather(fits[i * factors :][:factors], codes) for i in range(len(train))]


@dataclass(frozen=True)
class _Fit:
    importance_D: Floats
    train_accuracy: float
    test_accuracy: float


def _fit_factor(model: Classifier, learnt: Sample, judged: Sample, factor: int) -> _Fit:
    classes_M = learnt.factors_MF[:, factor]
    model = fit(model, learnt.codes_MD, classes_M)
    # A constant classifier, where there is one class, has no importances.
    importance_D = np.abs(
        getattr(model, "feature_importances_", np.zeros(learnt.codes_MD.shape[1]))
    )
    return _Fit(
        importance_D / (importance_D.sum() or 1),
        accuracy(model, learnt.codes_MD, classes_M),
        accuracy(model, judged.codes_MD, judged.factors_MF[:, factor]),
    )


def _gather(fits: Sequence[_Fit], codes: Codes) -> Trees:
    importance_FD = np.stack([fit.importance_D for fit in fits])
    return Trees(
        importance_VF=sum_columns(importance_FD, codes.variables).T,
        train_accuracy_F=np.array([fit.train_accuracy for fit in fits]),
        test_accuracy_F=np.array([fit.test_accuracy for fit in fits]),
    )


def _gradient_boosting(seed: int) -> Classifier:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(random_state=seed)
