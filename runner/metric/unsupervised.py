"""Measures of dependence between the dimensions of a code, independent of the factors.

Shapes: M images, D continuous dimensions of a code.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Codes, Floats, stream
from runner.metric.column_std import column_std
from runner.metric.histogram import bin_values, mutual_information


def unsupervised(codes: Codes, *, samples: int, bins: int, seed: int) -> dict[str, float]:
    """Return four measures of dependence between the continuous dimensions of a code.

    ``gaussian_total_correlation``: total correlation of a Gaussian with the codes' covariance Σ,
    (Σ_d log Σ_dd - log det Σ) / 2, in nats.
    ``gaussian_wasserstein``: squared 2-Wasserstein distance between such a Gaussian and one with
    the diagonal of Σ alone, 2 tr Σ - 2 tr (Σ diag Σ)^½; in squared units of the code.
    ``gaussian_wasserstein_normalised``: the same, divided by tr Σ.
    ``mutual_information_score``: mean mutual information between two dimensions, from codes in
    bins of equal width, in nats.

    Range: 0 or more; 0 if the dimensions are independent.

    Discrete variables are left out.

    Degenerate input: a constant dimension is left out of the covariance; in the mean over pairs it
    counts as independent of all others. With fewer than two dimensions all four are 0. A dimension
    that is a linear function of others would make the total correlation infinite; eigenvalues are
    bounded by the precision of a double, so it adds about 18 nats.

    Source: Locatello et al. 2019.
    """
    sample = codes.sample(samples, stream(seed, "unsupervised"))
    codes_MD = sample.codes_MD[:, codes.continuous_D]
    varying_MD = codes_MD[:, column_std(codes_MD, ddof=1) > 0]
    return {
        **_of_covariance(varying_MD),
        "mutual_information_score": _mean_information(codes_MD, bins),
    }


def _of_covariance(codes_MD: Floats) -> dict[str, float]:
    total, distance, share = 0.0, 0.0, 0.0
    if codes_MD.shape[1] > 1:
        std_D = column_std(codes_MD, ddof=1)
        unit_MD = (codes_MD - codes_MD.mean(0)) / std_D
        correlation_DD = unit_MD.T @ unit_MD / (len(codes_MD) - 1)
        least = np.finfo(np.float64).eps
        eigenvalues_D = np.linalg.eigvalsh(correlation_DD)
        total = -0.5 * float(np.log(np.maximum(eigenvalues_D, least)).sum())
        # Σ diag Σ has the eigenvalues of (diag Σ)^½ Σ (diag Σ)^½, which is symmetric.
        variance_D = np.square(std_D / std_D.max())
        similar_DD = correlation_DD * np.outer(variance_D, variance_D)
        roots_D = np.sqrt(np.maximum(np.linalg.eigvalsh(similar_DD), 0.0))
        share = 2 - 2 * float(roots_D.sum() / variance_D.sum())
        distance = share * float(np.square(std_D).sum())
    return {
        "gaussian_total_correlation": max(total, 0.0),
        "gaussian_wasserstein": max(distance, 0.0),
        "gaussian_wasserstein_normalised": max(share, 0.0),
    }


def _mean_information(codes_MD: Floats, bins: int) -> float:
    """Return the mutual information of two different dimensions, averaged over pairs."""
    dimensions = codes_MD.shape[1]
    if dimensions < 2:
        return 0.0
    bins_MD = np.stack([bin_values(code_M, bins) for code_M in codes_MD.T], axis=1)
    information_DD = mutual_information(bins_MD, bins_MD)
    between = information_DD.sum() - np.trace(information_DD)
    return float(between) / (dimensions * (dimensions - 1))
