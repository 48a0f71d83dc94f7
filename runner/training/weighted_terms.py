"""The weighted terms of a minibatch, given its encodings and a sample of each.

Shapes: B images, P parameters of q(z|x) that the encoder gives, W columns of z, M encodings, K
places of a memory bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.model import LatentSpace, group_rate
from runner.objective import (
    Decomposition,
    EncodingWeights,
    Plan,
    average,
    can_sweep,
    decompose,
)

_CACHED_PAIRS = 2**20
"""Entries of a tensor of all pairs that stay in a CPU's cache: 4 MiB of float32."""

_LEAST_SWEPT = 2**18
"""Entries of that tensor from which the estimate is swept; a smaller one has fewer operations."""
_LEAST_SWEPT_ON_A_GPU = 2**24
"""The same on another device, where every operation costs a launch."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample of every image's q(z|x), how well these decode, and what q(z) is estimated from."""

    z_BW: Tensor
    parameters_BP: Tensor
    """Of the q(z|x) that z is a sample of."""
    reconstruction: Tensor
    """-E log p(x|z), a scalar, in nats per example."""
    inferred_BP: Tensor | None = None
    """Of the q(z|x) whose mean is q(z), where these are others: of images whose class is given,
    those that the encoder infers."""
    bank_KP: Tensor | None = None
    """Further encodings behind q(z)."""
    is_held_K: Tensor | None = None
    """One where a place of the bank is taken, or zero."""


@dataclass(frozen=True, slots=True)
class WeightedTerms:
    """The terms' part of a loss."""

    loss: Tensor
    """Their weighted sum, in nats per example."""
    rate: Tensor | None
    """E KL(q(z|x)||p(z)) in nats; None for a deterministic code."""
    decomposition: Decomposition | None
    encodings_BP: Tensor
    """The encodings of the minibatch behind q(z)."""


def weighted_terms(  # noqa: PLR0913 - the four that a loss is made of, and two options by keyword
    latents: LatentSpace,
    plan: Plan,
    weights: Mapping[str, Tensor],
    sampled: Sampled,
    *,
    with_terms: bool,
    plain: bool,
) -> WeightedTerms:
    """Return the weighted sum of the terms of a minibatch, and the terms if asked for or needed.

    ``weights`` are the weights of the step by slot (:meth:`Plan.named`).

    Where the loss does not depend on q(z), as in beta-VAE, the terms are computed without gradient
    and only when asked for, so that such an objective pays nothing for them.

    ``plain`` asks for the estimate of q(z) from tensors of all pairs; else it is swept where it can
    be and pays, with the same values and gradients and less time and memory.
    """
    z_BW, parameters_BP = sampled.z_BW, sampled.parameters_BP
    rate = latents.rate(z_BW, parameters_BP).mean() if latents.has_density else None
    estimated, own_BP = latents.at_draw(parameters_BP, z_BW)
    encodings_BP = own_BP
    if sampled.inferred_BP is not None:
        encodings_BP = latents.at_draw(sampled.inferred_BP, z_BW)[1]
    needed = plan.needs_aggregate_posterior
    decomposition = None
    if latents.has_density and (needed or with_terms):
        with torch.set_grad_enabled(needed and torch.is_grad_enabled()):
            encodings_MP = _with_bank(encodings_BP, sampled)
            wanted = None if with_terms else plan.required_marginals
            estimate = _Estimate(estimated, plan, sampled, own_BP, encodings_MP, wanted)
            swept = not plain and estimated.only_normals_sampled and _pays(z_BW, encodings_MP)
            decomposition = estimate.swept() if swept else estimate.plainly()
    loss = plan.loss(weights, sampled.reconstruction, rate, decomposition)
    for group in plan.rates:
        of_group = group_rate(latents, group, z_BW, parameters_BP).mean()
        loss = loss + weights[f"rates.{group}"] * of_group
    return WeightedTerms(loss, rate, decomposition, encodings_BP)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What the terms of a minibatch are estimated from."""

    latents: LatentSpace
    plan: Plan
    sampled: Sampled
    own_BP: Tensor
    """The encoding that each sample is of."""
    encodings_MP: Tensor
    """Those behind q(z)."""
    wanted: frozenset[tuple[int, ...]] | None
    """The sets of variables whose E log q is wanted; None: all."""

    @property
    def encoding_weights(self) -> EncodingWeights:
        """The log-weights of the encodings."""
        z_BW, held_K = self.sampled.z_BW, self.sampled.is_held_K
        return self.plan.encoding_weights(len(z_BW), held_K, z_BW)

    def swept(self) -> Decomposition:
        """Return the terms, by a sweep over the samples."""
        z_BW = self.sampled.z_BW
        return decompose(
            self.latents.densities(z_BW, self.own_BP, self.encodings_MP, pairs=False),
            self.sampled.reconstruction,
            self.encoding_weights,
            wanted=self.wanted,
        )

    def plainly(self) -> Decomposition:
        """Return the terms, over as many rows at a time as stay in a CPU's cache."""
        latents, z_BW, wanted = self.latents, self.sampled.z_BW, self.wanted
        weights = self.encoding_weights
        discrete = len(latents.discrete.variables) if latents.discrete.enumerated else 0
        pairs = wanted is None or any(v >= discrete for part in wanted for v in part)
        rows = len(z_BW)
        if z_BW.device.type == "cpu":
            # Of a conditional posterior, single variables never form a tensor of all components.
            numbers = max(latents.components, z_BW.shape[1]) * len(self.encodings_MP)
            rows = max(1, min(rows, _CACHED_PAIRS // numbers))
        parts = [
            decompose(
                latents.densities(z, own, self.encodings_MP, pairs=pairs, first=first),
                self.sampled.reconstruction,
                weights.for_rows(first),
                wanted=wanted,
                plain=True,
            )
            for first, z, own in zip(
                range(0, len(z_BW), rows), z_BW.split(rows), self.own_BP.split(rows), strict=True
            )
        ]
        return average(parts, [len(z) / len(z_BW) for z in z_BW.split(rows)])


def _with_bank(encodings_BP: Tensor, sampled: Sampled) -> Tensor:
    """Return the parameters of the minibatch's encodings and of the memory bank's, (M, P)."""
    if sampled.bank_KP is None:
        return encodings_BP
    return torch.cat([encodings_BP, sampled.bank_KP])


def _pays(z_BW: Tensor, encodings_MP: Tensor) -> bool:
    """Return whether the estimate of q(z) is better swept than formed from all pairs."""
    least = _LEAST_SWEPT if z_BW.device.type == "cpu" else _LEAST_SWEPT_ON_A_GPU
    return can_sweep(z_BW) and z_BW.numel() * len(encodings_MP) >= least
