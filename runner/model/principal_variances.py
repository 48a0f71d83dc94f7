"""Variances of images along their principal axes.

Shapes: N images, C H W image, P pixels, V axes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_PCA_IMAGES = 10_000
_PCA_OVERSAMPLING = 10  # further directions, which the randomised method needs
_PCA_ITERATIONS = 8


def principal_variances(images_NCHW: Tensor, count: int) -> Tensor:
    """Return the leading variances of the images along their principal axes, largest first, (V,).

    At most 10,000 evenly spaced images are used. The method is randomised (Halko et al. 2011), with
    a seed of its own, so that the choice of a prior does not change the initial networks.

    Raises: ValueError if the images do not vary in that many directions.
    """
    thinned_NCHW = images_NCHW[:: math.ceil(len(images_NCHW) / _PCA_IMAGES)]
    images_NP = thinned_NCHW.flatten(1).float()
    rank = min(len(images_NP) - 1, images_NP.shape[1])
    too_few = ValueError(f"the training images vary in fewer than {count} directions")
    if rank < count:
        raise too_few
    centred_NP = images_NP - images_NP.mean(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        q = min(count + _PCA_OVERSAMPLING, *images_NP.shape)
        singular = torch.svd_lowrank(centred_NP, q=q, niter=_PCA_ITERATIONS)[1]
    variances_V = singular[:count].square() / (len(images_NP) - 1)
    if variances_V[-1] <= 1e-6 * variances_V[0]:
        raise too_few
    return variances_V
