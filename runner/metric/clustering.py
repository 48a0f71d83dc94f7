"""Agreement of k-means clusters of codes with the classes.

Shapes: N images, C clusters, K classes.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.predictors import column_of, over_cores

_STARTS = 10


def clustering(codes: Codes, *, samples: int, seed: int, factor: str) -> dict[str, float]:
    """Return the purity of k-means clusters of codes, and their mutual information with the class.

    There are as many clusters as classes among ``samples`` images. The codes are not standardised;
    the best of ten k-means++ initialisations is used.

    Keys:
        clustering/purity: see :func:`purity`.
        clustering/nmi: mutual information of cluster and class over the mean of their entropies. 0
            (independent) to 1 (the same up to names).
    Discrete variables: every column is a coordinate.
    Degenerate input: with fewer distinct codes than clusters some clusters are empty; if all codes
        are equal there is one cluster: purity is the share of the most frequent class, nmi 0.
    Raises: UsageError if there is no factor of that name that varies.
    Source: Lloyd 1982; Arthur & Vassilvitskii 2007 for the initialisation.
    """
    from sklearn.metrics import normalized_mutual_info_score

    column = column_of(codes, factor)
    source = stream(seed, "clustering")
    sample = codes.sample(samples, source)
    classes_N = sample.factors_MF[:, column]
    clusters = len(np.unique(classes_N))
    job = partial(_cluster, sample.codes_MD, clusters, int(source.integers(2**31)))
    (assignment_N,) = over_cores([job], [1])
    return {
        "clustering/purity": purity(assignment_N, classes_N),
        "clustering/nmi": float(normalized_mutual_info_score(classes_N, assignment_N)),
    }


def purity(assignment_N: ArrayLike, classes_N: ArrayLike) -> float:
    """Return the share of images whose class is the most frequent one in their cluster.

    Range: from the share of the most frequent class, for clusters independent of the class, to 1.
        Many small clusters are pure by chance.
    Source: Manning, Raghavan & Schütze 2008, section 16.3.
    """
    cluster_N = np.unique(np.asarray(assignment_N), return_inverse=True)[1].reshape(-1)
    class_N = np.unique(np.asarray(classes_N), return_inverse=True)[1].reshape(-1)
    table_CK = np.zeros((cluster_N.max() + 1, class_N.max() + 1), dtype=np.int64)
    np.add.at(table_CK, (cluster_N, class_N), 1)
    return float(table_CK.max(1).sum() / len(class_N))


def _cluster(codes_ND: Floats, clusters: int, seed: int) -> Integers:
    from sklearn.cluster import KMeans

    clustered = KMeans(clusters, random_state=seed).set_params(n_init=_STARTS)
    return clustered.fit_predict(codes_ND).astype(np.int64)
