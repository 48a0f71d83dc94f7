"""Codes as points in the plane, near each other where the codes are.

Shapes: N images, V columns of codes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_COLLAPSED = 0.1
"""Standard deviation below which a column is left out: it holds 0.005 nats, the rest is noise."""

_PERPLEXITY = 30.0


def latent_map(codes_NV: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
    """Return a point in the plane for every code, by t-SNE of the standardised columns, (N, 2).

    Columns that hardly vary are left out, since standardising would amplify their noise. Where
    fewer than three columns or four codes remain, the columns themselves are the map.

    Units: codes are in prior standard deviations.
    Source: van der Maaten and Hinton 2008; the Barnes-Hut approximation of scikit-learn.
    """
    scale_V = codes_NV.std(axis=0)
    live_NV = codes_NV[:, scale_V > _COLLAPSED]
    if live_NV.shape[1] < 3 or len(live_NV) < 4:
        return np.pad(live_NV, ((0, 0), (0, 2)))[:, :2].astype(np.float32)
    from sklearn.manifold import TSNE  # half a second that most commands need not spend

    standard_NV = (live_NV - live_NV.mean(axis=0)) / live_NV.std(axis=0)
    perplexity = min(_PERPLEXITY, (len(live_NV) - 1) / 3)
    # An angle of 0.7 instead of 0.5 takes three quarters of the time, to nearly the same optimum.
    tsne = TSNE(perplexity=perplexity, init="pca", angle=0.7, random_state=seed)
    return tsne.fit_transform(standard_NV.astype(np.float32))
