"""A well-written training loop without a library: what a careful person writes in an afternoon.

Images stay uint8 in memory and are taken by index; the likelihood is computed from logits; q(z) is
estimated from all pairs of a minibatch, (B, B, V); Adam is fused; matrix products have the default
precision; nothing is read off the device.

Shapes: B images, C H W image, V latent variables, G groups of two variables.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from cases import Case
from gate import Gate
from problem import images_of, networks, parameters_of
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, leaky_relu

_LOG_2PI = math.log(2 * math.pi)


def run(case: Case, gate: Gate, compiled: str) -> None:
    images_NCHW = images_of(case).to(case.device)
    encoder, decoder = (network.to(case.device) for network in networks(case))
    gate.loaded(parameters_of(encoder, decoder))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=True)
    adversary = Adversary(case).to(case.device) if case.objective == "factor_vae" else None
    batches = _batches(images_NCHW, case.batch)
    while True:
        x_BCHW = next(batches)
        loc_BV, log_variance_BV = encoder(x_BCHW).chunk(2, 1)
        z_BV = _sample(loc_BV, log_variance_BV)
        logits = decoder(z_BV)
        loss = binary_cross_entropy_with_logits(logits, x_BCHW, reduction="sum") / case.batch
        loss = loss + KL[case.objective](z_BV, loc_BV, log_variance_BV, case.images)
        if adversary:
            loss = loss + 35 * adversary.total_correlation(z_BV)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if adversary:
            with torch.no_grad():
                other_BV = _sample(*encoder(next(batches)).chunk(2, 1))
            adversary.learn(z_BV.detach(), other_BV)
        gate.step()


def _batches(images_NCHW: Tensor, batch: int):
    while True:
        order = torch.randperm(len(images_NCHW), device=images_NCHW.device)
        for indices_B in order.split(batch):
            if len(indices_B) == batch:
                yield images_NCHW[indices_B].float().mul_(1 / 255)


def _sample(loc_BV: Tensor, log_variance_BV: Tensor) -> Tensor:
    return loc_BV + torch.randn_like(loc_BV) * (0.5 * log_variance_BV).exp()


def _kl(z_BV: Tensor, loc_BV: Tensor, log_variance_BV: Tensor, images: int) -> Tensor:
    terms_BV = loc_BV**2 + log_variance_BV.exp() - 1 - log_variance_BV
    return 0.5 * terms_BV.sum(1).mean()


def _pairs(z_BV: Tensor, loc_BV: Tensor, log_variance_BV: Tensor) -> Tensor:
    distance = (z_BV[:, None] - loc_BV) ** 2 * (-log_variance_BV).exp()
    return -0.5 * (distance + log_variance_BV + _LOG_2PI)


def _beta_tcvae(z_BV: Tensor, loc_BV: Tensor, log_variance_BV: Tensor, images: int) -> Tensor:
    """Return MI + 6 TC + dimension-wise KL, with minibatch weighted sampling."""
    pairs_BBV = _pairs(z_BV, loc_BV, log_variance_BV)
    constant = math.log(len(z_BV) * images)
    joint_B = pairs_BBV.sum(2).logsumexp(1) - constant
    product_B = (pairs_BBV.logsumexp(1) - constant).sum(1)
    own_B = pairs_BBV.diagonal().sum(0)
    prior_B = -0.5 * (z_BV**2 + _LOG_2PI).sum(1)
    terms_B = own_B - joint_B + 6 * (joint_B - product_B) + product_B - prior_B
    return terms_B.mean()


def _hfvae(z_BV: Tensor, loc_BV: Tensor, log_variance_BV: Tensor, images: int) -> Tensor:
    """Return MI + 12 TC between groups + 4 TC within groups + dimension-wise KL."""
    pairs_BBV = _pairs(z_BV, loc_BV, log_variance_BV)
    constant = math.log(len(z_BV) * images)
    groups_BBG = pairs_BBV.unflatten(2, (-1, 2)).sum(3)
    joint_B = groups_BBG.sum(2).logsumexp(1) - constant
    groups_B = (groups_BBG.logsumexp(1) - constant).sum(1)
    product_B = (pairs_BBV.logsumexp(1) - constant).sum(1)
    own_B = pairs_BBV.diagonal().sum(0)
    prior_B = -0.5 * (z_BV**2 + _LOG_2PI).sum(1)
    between_B, within_B = joint_B - groups_B, groups_B - product_B
    return (own_B - joint_B + 12 * between_B + 4 * within_B + product_B - prior_B).mean()


KL: dict[str, Callable[[Tensor, Tensor, Tensor, int], Tensor]] = {
    "vae": _kl,
    "factor_vae": _kl,
    "beta_tcvae": _beta_tcvae,
    "hfvae": _hfvae,
}


class Adversary(nn.Module):
    """FactorVAE's discriminator: five hidden layers of 1,000 units."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        widths = [case.latents, *[1000] * 5, 2]
        pairs = pairwise(widths)
        self.layers = nn.ModuleList([nn.Linear(inputs, outputs) for inputs, outputs in pairs])
        self.optimizer = torch.optim.Adam(self.parameters(), 1e-4, (0.5, 0.9), fused=True)

    def forward(self, z_BV: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            z_BV = leaky_relu(layer(z_BV), 0.2)
        return self.layers[-1](z_BV)

    def total_correlation(self, z_BV: Tensor) -> Tensor:
        self.requires_grad_(False)  # noqa: FBT003 - PyTorch's own argument
        scores = self(z_BV)
        self.requires_grad_(True)  # noqa: FBT003
        return (scores[:, 0] - scores[:, 1]).mean()

    def learn(self, z_BV: Tensor, other_BV: Tensor) -> None:
        permuted_BV = other_BV.gather(0, torch.rand_like(other_BV).argsort(0))
        zeros = torch.zeros(len(z_BV), dtype=torch.long, device=z_BV.device)
        loss = cross_entropy(self(z_BV), zeros) + cross_entropy(self(permuted_BV), zeros + 1)
        self.optimizer.zero_grad()
        (0.5 * loss).backward()
        self.optimizer.step()
