"""The beta-VAE score: whether a linear classifier predicts which factor pairs of images share.

Shapes: P votes, C votes of a chunk, B pairs behind a vote, D dimensions of a code, F factors.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import Classifier, accuracy, fit, over_cores
from runner.metric.votes import chunks


def beta_vae(codes: Codes, *, train: int, test: int, batch: int, seed: int) -> dict[str, float]:
    """Return the accuracy of a linear classifier of the factor that pairs of images share.

    Each vote draws a factor k and ``batch`` pairs of images with the same value of k; its input is
    the mean over the pairs of |z - z'|, its label k. The classifier is scikit-learn's
    LogisticRegression with its default settings (multinomial, solver lbfgs, L2 with C = 1, at most
    100 steps), trained on ``train`` votes and tested on ``test`` others. The second image of a pair
    is drawn uniformly from all images with the first one's value of k. On a full grid the other
    factors are then independent; otherwise they have their joint distribution in the data.

    Keys: ``beta_vae``, the accuracy on the test votes; ``beta_vae/train``.
    Range: 1 / factors (chance) to 1; with a single factor always 1.
    Discrete variables: every column is an input.
    Degenerate input: constant dimensions have no effect; if all are constant the score is chance.
    Source: Higgins et al. 2017; sizes and classifier of Locatello et al. 2019.
    """
    source = stream(seed, "beta_vae")
    differences_PD, factor_P = _draw_votes(codes, train, batch, source)
    (classifier,) = over_cores([partial(_classifier, differences_PD, factor_P, seed)], [1])
    return {
        "beta_vae": accuracy(classifier, *_draw_votes(codes, test, batch, source)),
        "beta_vae/train": accuracy(classifier, differences_PD, factor_P),
    }


def _classifier(differences_PD: Floats, factor_P: Integers, seed: int) -> Classifier:
    from sklearn.linear_model import LogisticRegression

    return fit(LogisticRegression(random_state=seed), differences_PD, factor_P)


def _draw_votes(codes: Codes, count: int, batch: int, source: Generator) -> tuple[Floats, Integers]:
    factor_P = source.integers(codes.factors_NF.shape[1], size=count)
    differences_PD = np.empty((count, codes.codes_ND.shape[1]))
    for factor, votes in chunks(factor_P, batch):
        first_CB = codes.draw_rows(len(votes) * batch, source).reshape(-1, batch)
        second_CB = codes.partners(first_CB, factor, source)
        gap_CBD = np.abs(codes.codes_ND[first_CB] - codes.codes_ND[second_CB])
        differences_PD[votes] = gap_CBD.mean(1)
    return differences_PD, factor_P
