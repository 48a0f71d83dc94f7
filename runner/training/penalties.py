"""What a step pays beside the weighted sum: each penalty of the objective, on what the step knows.

Shapes: B images, C H W image, W columns of z, P numbers from the encoder, M encodings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from runner.config import MomentsConfig
from runner.model import VAE, LatentSpace
from runner.objective import Objective, Weight, divergences, penalties
from runner.training.batch import Batch
from runner.training.contraction import jacobian_norm
from runner.training.discriminator import Discriminator


@dataclass(frozen=True)
class PenaltyInputs:
    """What a step knows when its penalties are due."""

    model: VAE
    latents: LatentSpace
    batch: Batch
    parameters_BP: Tensor
    z_BW: Tensor
    rate: Tensor | None
    discriminator: Discriminator | None

    @property
    def prior_BW(self) -> Tensor:
        """As many draws from p(z)."""
        if self.batch.uniform_BU is None:
            raise ValueError("this penalty needs draws from p(z)")
        return self.latents.sample_prior(self.batch.uniform_BU)


def weighted_penalties(
    objective: Objective, inputs: PenaltyInputs
) -> tuple[Tensor | float, dict[str, Tensor]]:
    """Return the sum of all penalties, weighted, and each of them without its weight."""
    total: Tensor | float = 0.0
    found: dict[str, Tensor] = {}
    for name, settings in active_penalties(objective).items():
        value = PENALTIES[name](settings, inputs)
        found[name] = value
        total = total + weight_of(settings) * value
    return total, found


def active_penalties(objective: Objective) -> dict[str, Any]:
    """Return the settings of the penalties that ever weigh something, by name."""
    every = objective.settings.penalties
    settings = {field.name: getattr(every, field.name) for field in fields(every)}
    return {name: value for name, value in settings.items() if _weighs(value)}


def _weighs(settings: Any) -> bool:  # noqa: ANN401 - the settings of any penalty
    if isinstance(settings, MomentsConfig):
        strengths = (settings.off_diagonal, settings.diagonal)
    else:
        strengths = (settings.weight,)
    # A scheduled strength is a schedule or, at a step, a tensor: it weighs, even if zero now.
    return any(isinstance(strength, Tensor) or strength != 0 for strength in strengths)


def weight_of(settings: Any) -> Weight:  # noqa: ANN401 - the settings of any penalty
    """Return the weight of a penalty; that of moments lies in its two strengths."""
    return getattr(settings, "weight", 1.0)


def _capacity(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401
    if inputs.rate is None:
        raise ValueError("this penalty needs a rate")
    return penalties.capacity(inputs.rate, settings.nats)


def _moments(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401
    loc_BV, scale_BV = inputs.latents.posterior(inputs.parameters_BP)
    scales = scale_BV if settings.of == "codes" else None
    return penalties.moment_matching(loc_BV, scales, settings.off_diagonal, settings.diagonal)


def _mmd(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401
    mmd = divergences.dimension_wise_mmd if settings.dimension_wise else divergences.mmd
    part = inputs.latents.continuous_part
    drawn_BV, prior_BV = part(inputs.z_BW), part(inputs.prior_BW)
    return mmd(drawn_BV, prior_BV, settings.kernel, settings.scales)


def _inclusive_kl(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401, ARG001
    """Score draws from p(z) under the mixture of the minibatch's posteriors."""
    latents, drawn_BW = inputs.latents, inputs.prior_BW
    densities = latents.densities(drawn_BW, inputs.parameters_BP, inputs.parameters_BP)
    log_pz_B = latents.log_pz(drawn_BW, range(len(latents.variable_names)))[0]
    return divergences.inclusive_kl(log_pz_B, densities.sampled_VBM.sum(0))


def _discriminator(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401, ARG001
    if inputs.discriminator is None:
        raise ValueError("this penalty needs a discriminator")
    return inputs.discriminator.total_correlation(inputs.z_BW)


def _sparsity(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401
    code_BV = inputs.latents.continuous_part(inputs.latents.posterior_mean(inputs.parameters_BP))
    if settings.kind == "l1":
        return penalties.l1_sparsity(code_BV)
    return penalties.kl_sparsity(code_BV, settings.rate)


def _contraction(settings: Any, inputs: PenaltyInputs) -> Tensor:  # noqa: ANN401
    def code(images_BCHW: Tensor) -> Tensor:
        return inputs.latents.posterior_mean(inputs.model.encode(images_BCHW))

    return jacobian_norm(
        code,
        inputs.batch.inputs_BCHW,
        estimate=settings.estimate,
        probes_SBV=inputs.batch.probes_SBV,
    )


PENALTIES: dict[str, Callable[[Any, PenaltyInputs], Tensor]] = {
    "capacity": _capacity,
    "moments": _moments,
    "mmd": _mmd,
    "inclusive_kl": _inclusive_kl,
    "discriminator": _discriminator,
    "sparsity": _sparsity,
    "contraction": _contraction,
}
"""Name in ``objective.penalties`` → (its settings, what the step knows) → its value."""

NEEDS_PRIOR_DRAWS = frozenset({"mmd", "inclusive_kl"})
"""Penalties that compare z with draws from p(z)."""

NEEDS_LABELS: frozenset[str] = frozenset()
"""Penalties that read the labels of a batch, which are gathered for them alone; none does yet."""
