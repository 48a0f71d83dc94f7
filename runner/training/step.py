"""One pure step of one run: model, weights, images and noise in; loss and terms out.

Shapes: B images, P parameters of q(z|x) that the encoder gives, W columns of z, S weights of a
step.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from runner.model import VAE, LatentSpace
from runner.objective import Plan
from runner.training.batch import Batch
from runner.training.discriminator import Discriminator
from runner.training.pairs import average_pairs
from runner.training.penalties import PenaltyInputs, weighted_penalties
from runner.training.step_output import StepOutput
from runner.training.weighted_terms import Sampled, weighted_terms


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

    ``with_terms`` and ``plain`` are those of :func:`runner.training.weighted_terms.weighted_terms`.
    ``coded`` is what the networks make of the batch, where they have run already.
    """
    weights = plan.named(weights_S, like=batch.noise_BW)
    latents = model.bind_latents(weights.get("temperature"))
    coded = coded or code(model, latents, batch, plan.pairs)
    parameters_BP, z_BW, reconstruction = coded.parameters_BP, coded.z_BW, coded.reconstruction
    bank_KP, is_held_K = batch.bank_KP, batch.is_held_K
    sampled = Sampled(z_BW, parameters_BP, reconstruction, bank_KP=bank_KP, is_held_K=is_held_K)
    terms = weighted_terms(latents, plan, weights, sampled, with_terms=with_terms, plain=plain)
    inputs = PenaltyInputs(
        plan, weights, model, latents, batch, parameters_BP, z_BW, terms.rate, discriminator
    )
    extra, penalties = weighted_penalties(plan.penalties, inputs)
    encodings_BP = terms.encodings_BP.detach()
    return StepOutput(
        terms.loss + extra, reconstruction, terms.rate, terms.decomposition, penalties,
        encodings_BP, z_BW,
    )  # fmt: skip
