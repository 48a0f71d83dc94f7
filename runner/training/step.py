"""One pure step of one run: model, weights, images and noise in; loss and terms out.

Shapes: B images, C H W image, W columns of z.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.model import VAE
from runner.objective import Decomposition, Objective


@dataclass(frozen=True, slots=True)
class Step:
    """What one minibatch says: all scalars are means over the minibatch, in nats per example."""

    loss: Tensor
    rate: Tensor
    decomposition: Decomposition | None
    """None when neither the loss nor a record needed an estimate of q(z)."""


def step(
    model: VAE,
    objective: Objective,
    images_BCHW: Tensor,
    noise_BW: Tensor,
    *,
    with_terms: bool,
) -> Step:
    """Return the loss of a minibatch, with the five terms if asked for or needed.

    Where the loss does not depend on q(z), as in beta-VAE, the terms are computed without gradient
    and only when asked for, so that such an objective pays nothing for them.
    """
    parameters_BP = model.encode(images_BCHW)
    z_BW = model.prior.sample(parameters_BP, noise_BW)
    reconstruction = -model.log_px_z(images_BCHW, z_BW).mean()
    rate = model.prior.rate(z_BW, parameters_BP).sum(1).mean()
    needed = objective.needs_aggregate_posterior
    decomposition = None
    if needed or with_terms:
        with torch.set_grad_enabled(needed and torch.is_grad_enabled()):
            densities = model.prior.densities(z_BW, parameters_BP, parameters_BP)
            decomposition = objective.decompose(densities, reconstruction)
    return Step(objective.loss(reconstruction, rate, decomposition), rate, decomposition)
