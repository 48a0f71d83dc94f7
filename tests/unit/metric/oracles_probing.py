"""Reference implementations of InfoMEC and DCI-ES: loops, on one core.

Shapes: M images, F factors, L latents.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import digamma
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score


def nearest_information(latent, values, neighbours):
    """Return I(latent; values) of one continuous latent by Ross 2014, from all distances."""
    total = 0.0
    shared = np.array([np.sum(values == value) for value in values]) > 1
    latent, values = latent[shared], values[shared]
    distance = np.abs(latent[:, None] - latent)
    for i, value in enumerate(values):
        of_value = np.sort(distance[i, values == value])  # the first is that to itself
        k = min(neighbours, len(of_value) - 1)
        nearer = np.sum(distance[i] < of_value[k])  # with the image itself
        total += digamma(len(values)) + digamma(k) - digamma(len(of_value)) - digamma(nearer)
    return max(0.0, total / len(values))


def nmi(factors, latents, *, discrete, neighbours=10):
    """Return I(s_i; z_j) / H(s_i), (F, L)."""
    table = np.empty((factors.shape[1], latents.shape[1]))
    for i, source in enumerate(factors.T):
        for j, latent in enumerate(latents.T):
            if discrete:
                table[i, j] = mutual_info_score(source, np.unique(latent, return_inverse=True)[1])
            else:
                scaled = (latent - latent.mean()) / latent.std()
                table[i, j] = nearest_information(scaled, source, neighbours)
        table[i] /= mutual_info_score(source, source)
    return table


def modularity_and_compactness(table):
    """Return InfoM and InfoC of a table of active latents, (F, L)."""
    sources, latents = table.shape
    infom = np.mean([max(column) / sum(column) for column in table.T])
    infoc = np.mean([max(row) / sum(row) for row in table])
    return (
        (infom - 1 / sources) / (1 - 1 / sources),
        (infoc - 1 / latents) / (1 - 1 / latents),
    )


def infomec(factors, latents, *, discrete=False):
    """Return InfoM and InfoC as the authors define them."""
    ranges = latents.max(0) - latents.min(0)
    active = ranges > 0 if discrete else ranges > ranges.max() / 20
    return modularity_and_compactness(nmi(factors, latents[:, active], discrete=discrete))


def infoe(train, test=None):
    """Return InfoE of each factor; each argument is a pair of inputs and factors."""
    (inputs, factors), (test_inputs, test_factors) = train, test or train
    shares = []
    for values, test_values in zip(factors.T, test_factors.T, strict=True):
        losses = []
        for learn_from, judge in ((inputs, test_inputs), (inputs * 0, test_inputs * 0)):
            model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # it stops at its step limit
                model.fit(learn_from, values)
            losses.append(log_loss(test_values, model.predict_proba(judge), labels=model.classes_))
        shares.append((losses[1] - losses[0]) / losses[1])
    return shares


def forests(codes, values, *, depths, seed, classify):
    """Return random forests of each depth, fitted; 1 - their score is their loss."""
    kind = RandomForestClassifier if classify else RandomForestRegressor
    return [kind(100, max_depth=depth, random_state=seed).fit(codes, values) for depth in depths]


def explicitness(capacities, losses, baseline):
    """Return E of a curve, as the authors' program adds it up."""
    best = [min(losses[: i + 1]) for i in range(len(losses))]
    area = 0.0
    for i in range(len(best) - 1):
        height = 0.5 * (best[i] - min(best)) + 0.5 * (best[i + 1] - min(best))
        area += height * (capacities[i + 1] - capacities[i])
    return 1 - 2 * area / ((capacities[-1] - capacities[0]) * baseline)
