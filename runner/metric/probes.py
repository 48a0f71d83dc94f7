"""How well simple classifiers tell the class of an image from its code.

Shapes: M images, D dimensions of a code.
"""

from __future__ import annotations

from functools import partial

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import Classifier, accuracy, column_of, fit, over_cores, standardise


def linear_probe(
    codes: Codes, *, train: int, test: int, seed: int, factor: str
) -> dict[str, float]:
    """Return how often a linear classifier of codes names the class.

    Logistic regression (multinomial, solver lbfgs, L2 with C = 1, at most 1,000 steps) on
    standardised codes, learnt from ``train`` images and scored on ``test`` others.

    Keys: ``linear_probe``, the accuracy on the test images; ``linear_probe/train``.
    Range: 0 to 1; the share of the most frequent class is chance.
    Discrete variables: every column is an input.
    Degenerate input: constant dimensions tell nothing; a single class is predicted always; a class
        never learnt is always missed. Of fewer images than asked for, all are used.
    Raises: UsageError if there is no factor of that name that varies.
    Source: Alain & Bengio 2016.
    """
    from sklearn.linear_model import LogisticRegression

    column = column_of(codes, factor)
    learnt, judged = codes.split(train, test, stream(seed, "linear_probe"))
    learnt_MD, judged_MD = standardise(learnt.codes_MD, judged.codes_MD)
    classes_M, truth_M = learnt.factors_MF[:, column], judged.factors_MF[:, column]
    classifier = _fit(LogisticRegression(max_iter=1000), learnt_MD, classes_M)
    return {
        "linear_probe": accuracy(classifier, judged_MD, truth_M),
        "linear_probe/train": accuracy(classifier, learnt_MD, classes_M),
    }


def neighbour_probe(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes, *, train: int, test: int, neighbours: int, seed: int, factor: str
) -> dict[str, float]:
    """Return how often the images with the nearest codes are of the same class.

    The class of each of ``test`` images is taken to be the most frequent among the ``neighbours``
    of ``train`` others whose codes are nearest (Euclidean, as they are; of equally frequent classes
    the first).

    Keys: ``neighbour_probe``, the accuracy on the test images. (On those learnt from each is its
        own neighbour, which says nothing.)
    Range: 0 to 1; the share of the most frequent class is about chance.
    Discrete variables: every column is a coordinate.
    Degenerate input: of fewer images than neighbours, all are neighbours. A class never learnt is
        always missed. Of fewer images than asked for, all are used.
    Raises: UsageError if there is no factor of that name that varies.
    Source: Cover & Hart 1967.
    """
    from sklearn.neighbors import KNeighborsClassifier

    column = column_of(codes, factor)
    learnt, judged = codes.split(train, test, stream(seed, "neighbour_probe"))
    nearest = KNeighborsClassifier(min(neighbours, len(learnt)))
    classifier = _fit(nearest, learnt.codes_MD, learnt.factors_MF[:, column])
    return {
        "neighbour_probe": accuracy(classifier, judged.codes_MD, judged.factors_MF[:, column]),
    }


def _fit(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> Classifier:
    return over_cores([partial(fit, classifier, codes_MD, classes_M)], [1])[0]
