"""Total correlation by a density ratio that a discriminator learns (FactorVAE).

Shapes: B samples, V variables, W columns of z; a discriminator gives 2 logits a sample, the first
for "drawn from q(z)" and the second for "drawn from the product of the q(z_v)".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor


def permuted(z_BW: Tensor, columns: Sequence[slice], noise_BV: Tensor) -> Tensor:
    """Return samples of the product of the q(z_v): each variable permuted over the batch.

    A variable's columns stay together. The permutation of variable v is the order of its uniform
    noise, so the result is a function of the arguments alone.

    Shapes: ``columns[v]`` are the columns of variable v, and together they are all W; (B, W).
    Source: Kim & Mnih 2018, algorithm 1.
    """
    width = z_BW.shape[1]
    owner = {column: v for v, part in enumerate(columns) for column in range(width)[part]}
    order_BV = noise_BV.argsort(dim=0)
    order_BW = torch.stack([order_BV[:, owner[column]] for column in range(width)], dim=1)
    return z_BW.gather(0, order_BW)


def total_correlation(logits_B2: Tensor) -> Tensor:
    """Estimate the total correlation of q(z) from the logits of its samples.

    The two logits of the best discriminator differ by log q(z) / prod_v q(z_v).

    Shapes: (B, 2) to (). Units: nats.
    Estimator: as good as the discriminator; unbiased for the best one.
    Source: Kim & Mnih 2018.
    """
    return (logits_B2[:, 0] - logits_B2[:, 1]).mean()


def discriminator_loss(logits_joint_B2: Tensor, logits_permuted_B2: Tensor) -> Tensor:
    """Return the discriminator's cross entropy, half of it from each kind of sample.

    -1/2 (E log P(joint|z) + E log P(permuted|z')), z from q(z) and z' from :func:`permuted`.

    Shapes: (B, 2) each, to (). Units: nats; log 2 for a discriminator that answers one half.
    Source: Kim & Mnih 2018.
    """
    joint = F.log_softmax(logits_joint_B2, dim=1)[:, 0].mean()
    other = F.log_softmax(logits_permuted_B2, dim=1)[:, 1].mean()
    return -0.5 * (joint + other)
