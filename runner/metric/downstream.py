"""Accuracy of classifiers of the factors, by the number of training images.

Shapes: M images, D dimensions of a code, F factors, S sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from runner.metric.codes import Codes, Floats, Sample, stream
from runner.metric.predictors import accuracy, fit, over_cores
from runner.metric.trees import boosted

_FOLDS = 5
_MANY = 10_000
"""Training images of the accuracy in the denominator of the sample efficiency."""


def downstream_logistic(
    codes: Codes, *, train: Sequence[int], test: int, seed: int
) -> dict[str, float]:
    """Return the accuracy of logistic regression for each number of training images.

    For each size, with images drawn for it alone, and each factor, scikit-learn's
    LogisticRegressionCV with its default settings is trained on that many images and tested on
    ``test`` others: multinomial, solver lbfgs, at most 100 steps, and the one of ten values of C
    between 1e-4 and 1e4 with the best mean accuracy over five consecutive folds.

    Keys, for each size n:
        downstream_logistic/n: test accuracy, mean over factors.
        downstream_logistic/n_min: test accuracy of the worst factor.
        downstream_logistic/n_train: accuracy on the training images, mean over factors.
        downstream_logistic/efficiency_100, …/efficiency_1000: the sample efficiency: test
            accuracy from 100 (1,000) images over that from 10,000, if ``train`` has both sizes; 0
            if the latter is 0.
    Range: 0 to 1; an efficiency may exceed 1.
    Discrete variables: every column is an input.
    Degenerate input: images of a class that occurs only in the held-out part of a fold are always
        misclassified there. Of equally good values of C the smallest is used. With fewer than five
        images there are as many folds as images. A single training class is always predicted; test
        images of other classes count as errors. If there are fewer images than requested, all are
        used.
    Source: Locatello et al. 2019.
    """
    jobs: list[Callable[[], tuple[float, float]]] = []
    costs: list[float] = []
    for size in train:
        train_sample, test_sample = codes.split(
            size, test, stream(seed, f"downstream_logistic/{size}")
        )
        for factor in range(codes.factors_NF.shape[1]):
            jobs.append(partial(_fit_logistic, train_sample, test_sample, factor))
            costs.append(
                len(train_sample) * float(np.unique(train_sample.factors_MF[:, factor]).size)
            )
    accuracy_SF2 = np.array(over_cores(jobs, costs)).reshape(len(train), -1, 2)
    by_size = {size: (accuracy_SF2[i, :, 0], accuracy_SF2[i, :, 1]) for i, size in enumerate(train)}
    return _scores("downstream_logistic", by_size)


def downstream_boosted(
    codes: Codes, *, train: Sequence[int], test: int, seed: int
) -> dict[str, float]:
    """Return the accuracy of boosted trees for each number of training images.

    For each size, with images drawn for it alone, and each factor, scikit-learn's
    GradientBoostingClassifier with its default settings is trained on that many images and tested
    on ``test`` others. At the same size and seed these are the ensembles of
    :func:`runner.metric.dci.dci`, which are fitted once.

    Keys: ``downstream_boosted/…``, as those of :func:`downstream_logistic`.
    Range: 0 to 1; an efficiency may exceed 1.
    Discrete variables: every column is an input.
    Degenerate input: a single training class is always predicted; test images of other classes
        count as errors. If there are fewer images than requested, all are used.
    Source: Locatello et al. 2019.
    """
    found = boosted(codes, train, test=test, seed=seed)
    by_size = {
        size: (trees.train_accuracy_F, trees.test_accuracy_F)
        for size, trees in zip(train, found, strict=True)
    }
    return _scores("downstream_boosted", by_size)


def _fit_logistic(train_sample: Sample, test_sample: Sample, factor: int) -> tuple[float, float]:
    """Return the accuracies on the training and on the test images."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    classes_M = train_sample.factors_MF[:, factor]
    folds = KFold(min(_FOLDS, max(2, len(train_sample))))
    classifier = LogisticRegressionCV(Cs=10, cv=folds, scoring="accuracy", n_jobs=-1)
    # The present defaults, set explicitly: scikit-learn warns that it will change them.
    classifier.set_params(l1_ratios=(0.0,), use_legacy_attributes=False)
    fitted = fit(classifier, train_sample.codes_MD, classes_M)
    return (
        accuracy(fitted, train_sample.codes_MD, classes_M),
        accuracy(fitted, test_sample.codes_MD, test_sample.factors_MF[:, factor]),
    )


def _scores(name: str, by_size: Mapping[int, tuple[Floats, Floats]]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for size, (train_F, test_F) in by_size.items():
        scores[f"{name}/{size}"] = float(test_F.mean())
        scores[f"{name}/{size}_min"] = float(test_F.min())
        scores[f"{name}/{size}_train"] = float(train_F.mean())
    for few in (100, 1000):
        if few in by_size and _MANY in by_size:
            most = scores[f"{name}/{_MANY}"]
            scores[f"{name}/efficiency_{few}"] = scores[f"{name}/{few}"] / most if most else 0.0
    return scores
