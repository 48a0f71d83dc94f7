"""Accuracy of the nearest neighbours' factors, from each group of variables alone.

Shapes: M images, C columns of a group, F factors.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import over_cores

_FEW_COLUMNS = 5
"""Columns up to which a k-d tree finds neighbours faster than a table of all distances."""


def knn(codes: Codes, *, train: int, test: int, neighbours: int, seed: int) -> dict[str, float]:
    """Return the accuracy of a nearest-neighbour classifier of each factor from each group.

    The value of a factor of each of ``test`` images is predicted as the most frequent one among
    the ``neighbours`` nearest of ``train`` other images, by the columns of one group alone: a high
    accuracy says that the group holds the factor, in whatever form. Distances are Euclidean,
    between codes that are not standardised, so that a rotation of the variables within a group
    changes nothing; of equally frequent values the first is predicted.

    Keys: ``knn/FACTOR/GROUP``, the accuracy on the test images. Where no groups are known each
        variable is one.
    Range: 0 to 1. By chance, from a group that is independent of the factor, it is between the sum
        of the squared shares of the values (one neighbour) and the largest share (many): 1/S for
        S equally frequent values. Its standard error is at most 0.5 / sqrt(``test``).
    Discrete variables: every column is a coordinate.
    Degenerate input: of more images than ``neighbours`` at the same distance, as with one-hot
        categories, so many vote, the same ones each time. With fewer training images than
        ``neighbours``, all are neighbours. Test
        images of values not in the training data count as errors. No image is used both for
        learning and for testing, in a full factor grid either; if there are fewer images than
        requested, a third is for testing, the rest for training.
    Source: Cover & Hart 1967.
    """
    train_sample, test_sample = codes.disjoint(train, test, stream(seed, "knn"))
    jobs = [
        partial(
            _accuracies,
            (train_sample.codes_MD[:, group.columns], train_sample.factors_MF),
            (test_sample.codes_MD[:, group.columns], test_sample.factors_MF),
            neighbours,
        )
        for group in codes.groups
    ]
    found = over_cores(jobs, [float(len(group.columns)) for group in codes.groups])
    return {
        f"knn/{factor}/{group.name}": float(accuracy_F[f])
        for f, factor in enumerate(codes.factor_names)
        for group, accuracy_F in zip(codes.groups, found, strict=True)
    }


def _accuracies(
    train: tuple[Floats, Integers], test: tuple[Floats, Integers], neighbours: int
) -> Floats:
    """Return the accuracy on ``test`` for each factor, (F,); the pairs are codes and factors."""
    from sklearn.neighbors import KNeighborsClassifier

    (train_MC, train_MF), (test_MC, test_MF) = train, test
    algorithm = "kd_tree" if train_MC.shape[1] <= _FEW_COLUMNS else "brute"
    classifier = KNeighborsClassifier(min(neighbours, len(train_MC)), algorithm=algorithm)
    # The neighbours are found once for all factors; scikit-learn wants a single one as a vector.
    classifier.fit(train_MC, train_MF if train_MF.shape[1] > 1 else train_MF[:, 0])
    predicted_MF = np.asarray(classifier.predict(test_MC)).reshape(test_MF.shape)
    return (predicted_MF == test_MF).mean(0)
