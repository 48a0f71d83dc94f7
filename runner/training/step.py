"""One pure step of one run: model, weights, images and noise in; loss and terms out.

Shapes: B images, P parameters of q(z|x) that the encoder gives, W columns of z, M encodings, S
weights of a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.model import VAE, LatentSpace, group_rate
from runner.objective import Decomposition, Plan, average, can_sweep, decompose
from runner.training.batch import Batch
from runner.training.discriminator import Discriminator
from runner.training.pairs import average_pairs
from runner.training.penalties import PenaltyInputs, weighted_penalties
from runner.training.step_output import StepOutput

_CACHED_PAIRS = 2**20
"""Entries of a tensor of all pairs that stay in a CPU's cache: 4 MiB of float32."""

_LEAST_SWEPT = 2**18
"""Entries of that tensor from which the estimate is swept; a smaller one has fewer operations."""
_LEAST_SWEPT_ON_A_GPU = 2**24
"""The same on another device, where every operation costs a launch."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A minibatch as the networks see it: q(z|x), a sample of it, and how well that decodes."""

    parameters_BP: Tensor
    z_BW: Tensor
    reconstruction: Tensor
    """-E log p(x|z), a scalar, in nats per example."""


def code(model: VAE, latents: LatentSpace, batch: Batch, pairs: str | None = None) -> Coded:
    """Encode a minibatch, sample z, and decode it; ``latents`` are those of the step.

    ``pairs`` says how the posteriors of pairs of images are averaged; None: images are not paired.
    """
    encoding, decoding = _dropout(model, batch)
    parameters_BP = model.encode(batch.inputs_BCHW, encoding)
    if pairs is not None:
        parameters_BP = average_pairs(latents, parameters_BP, pairs)
    z_BW = latents.sample(parameters_BP, batch.noise_BW)
    return Coded(parameters_BP, z_BW, -model.log_px_z(batch.images_BCHW, z_BW, decoding).mean())


def _dropout(model: VAE, batch: Batch) -> tuple[Tensor | None, Tensor | None]:
    """Return the noise of the dropout of the encoder and of the decoder, for those that have it."""
    if batch.dropout_BU is None:
        return None, None
    counts = model.network_uniforms
    parts = batch.dropout_BU.split(counts, dim=1)
    encoding, decoding = (part if n else None for part, n in zip(parts, counts, strict=True))
    return encoding, decoding


def step(  # noqa: PLR0913 - the four inputs of a step, and two options by keyword
    model: VAE,
    plan: Plan,
    weights_S: Tensor,
    batch: Batch,
    *,
    with_terms: bool,
    discriminator: Discriminator | None = None,
    plain: bool = False,
    coded: Coded | None = None,
) -> StepOutput:
    """Return the loss of a minibatch, with the five terms if asked for or needed.

    ``weights_S`` are the weights of the step (:meth:`Objective.weights`), on any device whose
    scalars may multiply the model's tensors. The step changes none of its arguments and draws no
    random numbers, so several runs of one plan can be stacked under ``torch.func.vmap``.

    Where the loss does not depend on q(z), as in beta-VAE, the terms are computed without gradient
    and only when asked for, so that such an objective pays nothing for them.

    ``plain`` asks for the estimate of q(z) from tensors of all pairs; else it is swept where it can
    be and pays, with the same values and gradients and less time and memory.
    ``coded`` is what the networks make of the batch, where they have run already.
    """
    weights = plan.named(weights_S, like=batch.noise_BW)
    latents = model.bind_latents(weights.get("temperature"))
    coded = coded or code(model, latents, batch, plan.pairs)
    parameters_BP, z_BW, reconstruction = coded.parameters_BP, coded.z_BW, coded.reconstruction
    rate = latents.rate(z_BW, parameters_BP).mean() if latents.has_density else None
    estimated, encodings_BP = latents.at_draw(parameters_BP, z_BW)
    needed = plan.needs_aggregate_posterior
    decomposition = None
    if latents.has_density and (needed or with_terms):
        with torch.set_grad_enabled(needed and torch.is_grad_enabled()):
            wanted = None if with_terms else plan.required_marginals
            samples = _Samples(z_BW, encodings_BP, reconstruction, wanted)
            swept = not plain and estimated.only_normals_sampled and _pays(samples, batch)
            decompose_by = _decompose if swept else _decompose_plainly
            decomposition = decompose_by(estimated, plan, samples, batch)
    loss = plan.loss(weights, reconstruction, rate, decomposition)
    for group in plan.rates:
        of_group = group_rate(latents, group, z_BW, parameters_BP).mean()
        loss = loss + weights[f"rates.{group}"] * of_group
    inputs = PenaltyInputs(
        plan.settings, weights, model, latents, batch, parameters_BP, z_BW, rate, discriminator
    )
    extra, penalties = weighted_penalties(plan.penalties, inputs)
    return StepOutput(
        loss + extra, reconstruction, rate, decomposition, penalties, encodings_BP.detach(), z_BW
    )


@dataclass(frozen=True, slots=True)
class _Samples:
    z_BW: Tensor
    parameters_BP: Tensor
    reconstruction: Tensor
    wanted: frozenset[tuple[int, ...]] | None
    """The sets of variables whose E log q is wanted; None: all."""


def _pays(samples: _Samples, batch: Batch) -> bool:
    """Return whether the estimate of q(z) is better swept than formed from all pairs."""
    z_BW = samples.z_BW
    encodings = len(z_BW) + (0 if batch.bank_KP is None else len(batch.bank_KP))
    least = _LEAST_SWEPT if z_BW.device.type == "cpu" else _LEAST_SWEPT_ON_A_GPU
    return can_sweep(z_BW) and z_BW.numel() * encodings >= least


def _decompose(latents: LatentSpace, plan: Plan, samples: _Samples, batch: Batch) -> Decomposition:
    """Return the terms of a minibatch, by a sweep over its samples."""
    z_BW, encodings_MP = samples.z_BW, _encodings(samples, batch)
    return decompose(
        latents.densities(z_BW, samples.parameters_BP, encodings_MP, pairs=False),
        samples.reconstruction,
        plan.encoding_weights(len(z_BW), batch.is_held_K, z_BW),
        wanted=samples.wanted,
    )


def _decompose_plainly(
    latents: LatentSpace, plan: Plan, samples: _Samples, batch: Batch
) -> Decomposition:
    """Return the terms of a minibatch, over as many rows at a time as stay in a CPU's cache."""
    z_BW, parameters_BP, wanted = samples.z_BW, samples.parameters_BP, samples.wanted
    encodings_MP = _encodings(samples, batch)
    weights = plan.encoding_weights(len(z_BW), batch.is_held_K, z_BW)
    discrete = len(latents.discrete.variables) if latents.discrete.enumerated else 0
    pairs = wanted is None or any(v >= discrete for part in wanted for v in part)
    rows = len(z_BW)
    if z_BW.device.type == "cpu":
        # Of a conditional posterior, single variables never form a tensor of all components.
        numbers = max(latents.components, z_BW.shape[1]) * len(encodings_MP)
        rows = max(1, min(rows, _CACHED_PAIRS // numbers))
    parts = [
        decompose(
            latents.densities(z, own_BP, encodings_MP, pairs=pairs, first=first),
            samples.reconstruction,
            weights.for_rows(first),
            wanted=wanted,
            plain=True,
        )
        for first, z, own_BP in zip(
            range(0, len(z_BW), rows), z_BW.split(rows), parameters_BP.split(rows), strict=True
        )
    ]
    return average(parts, [len(z) / len(z_BW) for z in z_BW.split(rows)])


def _encodings(samples: _Samples, batch: Batch) -> Tensor:
    """Return the parameters of the minibatch's encodings and of the memory bank's, (M, P)."""
    if batch.bank_KP is None:
        return samples.parameters_BP
    return torch.cat([samples.parameters_BP, batch.bank_KP])
