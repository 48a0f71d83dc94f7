"""Reference implementations of scores of sampled codes: one pair at a time, on one core.

Each takes sampled codes and factors, and returns the score or its parts. They support neither
discrete variables nor degenerate codes. With the sizes of ``conf/metrics/reference.yaml`` they
compute the scores of the published implementations.

Shapes: M images, D dimensions of a code, F factors.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC


def discretise(codes_MD, bins=20):
    columns = [np.digitize(z, np.histogram(z, bins)[1][:-1]) for z in codes_MD.T]
    return np.stack(columns, axis=1)


def information(first_MA, second_MB):
    return np.array([[mutual_info_score(a, b) for b in second_MB.T] for a in first_MA.T])


def mig_by_factor(codes_MD, factors_MF, bins=20):
    information_DF = information(discretise(codes_MD, bins), factors_MF)
    gaps = []
    for f, value_M in enumerate(factors_MF.T):
        first, second = sorted(information_DF[:, f], reverse=True)[:2]
        gaps.append((first - second) / mutual_info_score(value_M, value_M))
    return gaps


def mig(codes_MD, factors_MF, bins=20):
    return np.mean(mig_by_factor(codes_MD, factors_MF, bins))


def modularity(codes_MD, factors_MF, bins=20):
    squares_DF = information(discretise(codes_MD, bins), factors_MF) ** 2
    scores = []
    for square_F in squares_DF:
        best = max(square_F)
        rest = sum(square_F) - best
        scores.append(0.0 if best == 0 else 1 - rest / (best * (len(square_F) - 1)))
    return np.mean(scores)


def explicitness(train, test):
    (train_MD, train_MF), (test_MD, test_MF) = train, test
    mean, std = train_MD.mean(0), train_MD.std(0)
    areas = []
    for f in range(train_MF.shape[1]):
        model = LogisticRegression().fit((train_MD - mean) / std, train_MF[:, f])
        areas.append(
            [
                roc_auc_score(
                    MultiLabelBinarizer().fit_transform(factors_MF[:, [f]]),
                    model.predict_proba((codes_MD - mean) / std),
                )
                for codes_MD, factors_MF in ((test_MD, test_MF), (train_MD, train_MF))
            ]
        )
    return np.mean(areas, axis=0)


def sap_accuracies(train, test, **settings):
    (train_MD, train_MF), (test_MD, test_MF) = train, test
    accuracies_DF = np.zeros((train_MD.shape[1], train_MF.shape[1]))
    for d, f in np.ndindex(accuracies_DF.shape):
        machine = LinearSVC(C=0.01, class_weight="balanced", **settings)
        machine.fit(train_MD[:, [d]], train_MF[:, f])
        accuracies_DF[d, f] = np.mean(machine.predict(test_MD[:, [d]]) == test_MF[:, f])
    return accuracies_DF


def sap_by_factor(train, test, **settings):
    accuracies_DF = np.sort(sap_accuracies(train, test, **settings), axis=0)
    return accuracies_DF[-1] - accuracies_DF[-2]


def sap(train, test):
    return np.mean(sap_by_factor(train, test))


def irs(codes_MD, factors_MF, bins=20, quantile=0.99):
    codes_MD = codes_MD[:, codes_MD.var(0) > 0]
    values_MF = discretise(factors_MF, bins)
    largest_D = np.abs(codes_MD - codes_MD.mean(0)).max(0)
    moved_DF = np.zeros((codes_MD.shape[1], values_MF.shape[1]))
    for f, value_M in enumerate(values_MF.T):
        deviations = []
        for value in np.unique(value_M):
            group_MD = codes_MD[value_M == value]
            apart_MD = np.abs(group_MD - group_MD.mean(0))
            deviations.append(np.percentile(apart_MD, q=quantile * 100, axis=0))
        moved_DF[:, f] = np.mean(deviations, axis=0)
    robust_D = (1 - moved_DF / largest_D[:, None]).max(1)
    return np.average(robust_D, weights=largest_D)


def unsupervised(codes_MD, bins=20):
    covariance = np.cov(codes_MD, rowvar=False)
    diagonal = np.diag(covariance)
    total_correlation = 0.5 * (np.sum(np.log(diagonal)) - np.linalg.slogdet(covariance)[1])
    root = scipy.linalg.sqrtm(covariance * diagonal[:, None])
    wasserstein = 2 * np.trace(covariance) - 2 * np.trace(np.real(root))
    information_DD = information(*[discretise(codes_MD, bins)] * 2)
    np.fill_diagonal(information_DD, 0)
    dimensions = len(covariance)
    return {
        "gaussian_total_correlation": total_correlation,
        "gaussian_wasserstein": wasserstein,
        "gaussian_wasserstein_normalised": wasserstein / np.trace(covariance),
        "mutual_information_score": information_DD.sum() / (dimensions**2 - dimensions),
    }


def hoyer(codes_MD):
    std_D = [np.std(z, ddof=1) for z in codes_MD.T]
    root = len(std_D) ** 0.5
    scores = []
    for code_D in codes_MD:
        scaled = [abs(z) / s for z, s in zip(code_D, std_D, strict=True)]
        ratio = sum(scaled) / sum(z * z for z in scaled) ** 0.5
        scores.append((root - ratio) / (root - 1))
    return np.mean(scores)
