"""Accuracy of simple classifiers of the class of an image from its code.

Shapes: M images, D dimensions of a code.
"""

from __future__ import annotations

from functools import partial

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import Classifier, accuracy, column_of, fit, over_cores, standardise


def linear_probe(
    codes: Codes, *, train: int, test: int, seed: int, factor: str
) -> dict[str, float]:
    """Return the accuracy of a linear classifier of the class.

    Logistic regression (multinomial, solver lbfgs, L2 with C = 1, at most 1,000 steps) on
    standardised codes, trained on ``train`` images and tested on ``test`` others.

    Keys: ``linear_probe``, the accuracy on the test images; ``linear_probe/train``.
    Range: 0 to 1; the share of the most frequent class is chance.
    Discrete variables: every column is an input.
    Degenerate input: constant dimensions have no effect. A single training class is always
        predicted; test images of classes not in the training data count as errors. If there are
        fewer images than requested, all are used.
    Raises: UsageError if there is no factor of that name that varies.
    Source: Alain & Bengio 2016.
    """
    from sklearn.linear_model import LogisticRegression

    column = column_of(codes, factor)
    train_sample, test_sample = codes.split(train, test, stream(seed, "linear_probe"))
    train_MD, test_MD = standardise(train_sample.codes_MD, test_sample.codes_MD)
    classes_M, truth_M = train_sample.factors_MF[:, column], test_sample.factors_MF[:, column]
    classifier = _fit(LogisticRegression(max_iter=1000), train_MD, classes_M)
    return {
        "linear_probe": accuracy(classifier, test_MD, truth_M),
        "linear_probe/train": accuracy(classifier, train_MD, classes_M),
    }


def neighbour_probe(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes, *, train: int, test: int, neighbours: int, seed: int, factor: str
) -> dict[str, float]:
    """Return the accuracy of a nearest-neighbour classifier of the class.

    The class of each of ``test`` images is predicted as the most frequent one among the
    ``neighbours`` nearest of ``train`` other images. Distances are Euclidean, between codes that
    are not standardised; of equally frequent classes the first is predicted.

    Keys: ``neighbour_probe``, the accuracy on the test images. (There is no training accuracy, as
        each training image is its own nearest neighbour.)
    Range: 0 to 1; the share of the most frequent class is about chance.
    Discrete variables: every column is a coordinate.
    Degenerate input: with fewer training images than ``neighbours``, all are neighbours. Test
        images of classes not in the training data count as errors. If there are fewer images than
        requested, all are used.
    Raises: UsageError if there is no factor of that name that varies.
    Source: Cover & Hart 1967.
    """
    from sklearn.neighbors import KNeighborsClassifier

    column = column_of(codes, factor)
    train_sample, test_sample = codes.split(train, test, stream(seed, "neighbour_probe"))
    nearest = KNeighborsClassifier(min(neighbours, len(train_sample)))
    classifier = _fit(nearest, train_sample.codes_MD, train_sample.factors_MF[:, column])
    return {
        "neighbour_probe": accuracy(
            classifier, test_sample.codes_MD, test_sample.factors_MF[:, column]
        ),
    }


def _fit(classifier: Classifier, codes_MD: Floats, classes_M: Integers) -> Classifier:
    return over_cores([partial(fit, classifier, codes_MD, classes_M)], [1])[0]
