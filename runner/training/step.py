"""One pure step of one run: model, weights, images and noise in; loss and terms out.

Shapes: B images, P numbers from the encoder, W columns of z.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.model import VAE
from runner.objective import Decomposition, Objective
from runner.training.adversary import Adversary
from runner.training.batch import Batch
from runner.training.penalties import Evidence, charge


@dataclass(frozen=True, slots=True)
class Step:
    """What one minibatch says: all scalars are means over the minibatch, in nats per example."""

    loss: Tensor
    reconstruction: Tensor
    rate: Tensor | None
    """None for a deterministic code."""
    decomposition: Decomposition | None
    """None when neither the loss nor a record needed an estimate of q(z), or there is none."""
    penalties: dict[str, Tensor]
    """Each penalty of the objective, without its weight."""
    numbers_BP: Tensor
    z_BW: Tensor


def step(
    model: VAE,
    objective: Objective,
    batch: Batch,
    *,
    with_terms: bool,
    adversary: Adversary | None = None,
) -> Step:
    """Return the loss of a minibatch, with the five terms if asked for or needed.

    Where the loss does not depend on q(z), as in beta-VAE, the terms are computed without gradient
    and only when asked for, so that such an objective pays nothing for them.
    """
    prior = model.open_prior(batch.temperature)
    numbers_BP = model.encode(batch.seen_BCHW)
    z_BW = prior.sample(numbers_BP, batch.noise_BW)
    reconstruction = -model.log_px_z(batch.images_BCHW, z_BW).mean()
    rate = prior.rate(z_BW, numbers_BP).mean() if prior.has_density else None
    needed = objective.needs_aggregate_posterior
    decomposition = None
    if prior.has_density and (needed or with_terms):
        with torch.set_grad_enabled(needed and torch.is_grad_enabled()):
            encodings_MP = numbers_BP
            if batch.bank_KP is not None:
                encodings_MP = torch.cat([numbers_BP, batch.bank_KP])
            densities = prior.densities(z_BW, numbers_BP, encodings_MP)
            decomposition = objective.decompose(densities, reconstruction, batch.is_held_K)
    loss = objective.loss(reconstruction, rate, decomposition)
    evidence = Evidence(model, prior, batch, numbers_BP, z_BW, rate, adversary)
    extra, penalties = charge(objective, evidence)
    return Step(
        loss + extra, reconstruction, rate, decomposition, penalties, numbers_BP.detach(), z_BW
    )
