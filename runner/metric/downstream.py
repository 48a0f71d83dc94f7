"""What classifiers learn of the factors from few images and from many.

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
"""Images that the accuracy from few is compared with."""


def downstream_logistic(
    codes: Codes, *, train: Sequence[int], test: int, seed: int
) -> dict[str, float]:
    """Return how well logistic regression predicts the factors, from each number of images.

    For each size, images of its own, and each factor: scikit-learn's LogisticRegressionCV as it
    comes (multinomial, solver lbfgs, at most 100 steps; the one of ten strengths of L2 between 1e-4
    and 1e4 with the best mean accuracy over five folds, which are cut in order), learnt from that
    many images and scored on ``test`` others.

    Keys, for each size n:
        downstream_logistic/n: test accuracy, mean over factors.
        downstream_logistic/n_min: test accuracy of the worst factor.
        downstream_logistic/n_train: accuracy on the images learnt from, mean over factors.
        downstream_logistic/efficiency_100, …/efficiency_1000: the sample efficiency, test accuracy
            from 100 (1,000) images over that from 10,000, where both sizes are asked for; 0 if
            nothing is ever right.
    Range: 0 to 1; an efficiency may exceed 1.
    Discrete variables: every column is an input.
    Degenerate input: where a class is in the held-out part of a fold alone, its images there are
        missed whatever the strength; of strengths that do equally well the strongest is taken.
        Fewer than five images make as many folds. A single class is predicted always; a class never
        learnt is always missed. Of fewer images than asked for, all are used.
    Source: Locatello et al. 2019.
    """
    jobs: list[Callable[[], tuple[float, float]]] = []
    costs: list[float] = []
    for size in train:
        learnt, judged = codes.split(size, test, stream(seed, f"downstream_logistic/{size}"))
        for factor in range(codes.factors_NF.shape[1]):
            jobs.append(partial(_fit_logistic, learnt, judged, factor))
            costs.append(len(learnt) * float(np.unique(learnt.factors_MF[:, factor]).size))
    accuracy_SF2 = np.array(over_cores(jobs, costs)).reshape(len(train), -1, 2)
    by_size = {size: (accuracy_SF2[i, :, 0], accuracy_SF2[i, :, 1]) for i, size in enumerate(train)}
    return _scores("downstream_logistic", by_size)


def downstream_boosted(
    codes: Codes, *, train: Sequence[int], test: int, seed: int
) -> dict[str, float]:
    """Return how well boosted trees predict the factors, from each number of images.

    For each size, images of its own, and each factor: scikit-learn's GradientBoostingClassifier as
    it comes, learnt from that many images and scored on ``test`` others. At the same size and seed
    these are the very ensembles of :func:`runner.metric.dci.dci`, and are not fitted again.

    Keys: ``downstream_boosted/…``, as those of :func:`downstream_logistic`.
    Range: 0 to 1; an efficiency may exceed 1.
    Discrete variables: every column is an input.
    Degenerate input: a single class is predicted always; a class never learnt is always missed. Of
        fewer images than asked for, all are used.
    Source: Locatello et al. 2019.
    """
    found = boosted(codes, train, test=test, seed=seed)
    by_size = {
        size: (trees.train_accuracy_F, trees.test_accuracy_F)
        for size, trees in zip(train, found, strict=True)
    }
    return _scores("downstream_boosted", by_size)


def _fit_logistic(learnt: Sample, judged: Sample, factor: int) -> tuple[float, float]:
    """Return the accuracy on the images learnt from, and on the others."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    classes_M = learnt.factors_MF[:, factor]
    folds = KFold(min(_FOLDS, max(2, len(learnt))))
    classifier = LogisticRegressionCV(Cs=10, cv=folds, scoring="accuracy", n_jobs=-1)
    # Their defaults so far, said aloud: scikit-learn is about to change them, and warns.
    classifier.set_params(l1_ratios=(0.0,), use_legacy_attributes=False)
    fitted = fit(classifier, learnt.codes_MD, classes_M)
    return (
        accuracy(fitted, learnt.codes_MD, classes_M),
        accuracy(fitted, judged.codes_MD, judged.factors_MF[:, factor]),
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
