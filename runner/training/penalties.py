"""What a step pays beside the weighted sum: each penalty of the objective, on what the step knows.

Shapes: B images, C H W image, W columns of z, P numbers from the encoder, M encodings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from runner.config import MomentsConfig
from runner.model import VAE, Prior
from runner.model.vae import to_unit
from runner.objective import Number, Objective, divergences, penalties
from runner.training.batch import Batch
from runner.training.contraction import jacobian_norm
from runner.training.discriminator import Adversary


@dataclass(frozen=True)
class Evidence:
    """What a step knows when its penalties are due."""

    model: VAE
    prior: Prior
    batch: Batch
    numbers_BP: Tensor
    z_BW: Tensor
    rate: Tensor | None
    adversary: Adversary | None

    @property
    def prior_BW(self) -> Tensor:
        """As many draws from p(z)."""
        if self.batch.uniform_BU is None:
            raise ValueError("this penalty needs draws from p(z)")
        return self.prior.prior_sample(self.batch.uniform_BU)


def charge(objective: Objective, evidence: Evidence) -> tuple[Tensor | float, dict[str, Tensor]]:
    """Return the sum of all penalties, weighted, and each of them without its weight."""
    total: Tensor | float = 0.0
    found: dict[str, Tensor] = {}
    for name, settings in active(objective).items():
        value = PENALTIES[name](settings, evidence)
        found[name] = value
        total = total + weight_of(settings) * value
    return total, found


def active(objective: Objective) -> dict[str, Any]:
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


def weight_of(settings: Any) -> Number:  # noqa: ANN401 - the settings of any penalty
    """Return the weight of a penalty; that of moments lies in its two strengths."""
    return getattr(settings, "weight", 1.0)


def _capacity(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401
    if evidence.rate is None:
        raise ValueError("this penalty needs a rate")
    return penalties.capacity(evidence.rate, settings.nats)


def _moments(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401
    loc_BV, scale_BV = evidence.prior.posterior(evidence.numbers_BP)
    scales = scale_BV if settings.of == "codes" else None
    return penalties.moment_matching(loc_BV, scales, settings.off_diagonal, settings.diagonal)


def _mmd(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401
    mmd = divergences.dimension_wise_mmd if settings.dimension_wise else divergences.mmd
    part = evidence.prior.continuous_part
    drawn_BV, prior_BV = part(evidence.z_BW), part(evidence.prior_BW)
    return mmd(drawn_BV, prior_BV, settings.kernel, settings.scales)


def _inclusive_kl(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401, ARG001
    """Score draws from p(z) under the mixture of the minibatch's posteriors."""
    prior, drawn_BW = evidence.prior, evidence.prior_BW
    densities = prior.densities(drawn_BW, evidence.numbers_BP, evidence.numbers_BP)
    log_pz_B = prior.log_pz(drawn_BW, range(len(prior.variable_names)))[0]
    return divergences.inclusive_kl(log_pz_B, densities.drawn_VBM.sum(0))


def _discriminator(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401, ARG001
    if evidence.adversary is None:
        raise ValueError("this penalty needs a discriminator")
    return evidence.adversary.total_correlation(evidence.z_BW)


def _sparsity(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401
    code_BV = evidence.prior.continuous_part(evidence.prior.centre(evidence.numbers_BP))
    if settings.kind == "l1":
        return penalties.l1_sparsity(code_BV)
    return penalties.kl_sparsity(code_BV, settings.rate)


def _contraction(settings: Any, evidence: Evidence) -> Tensor:  # noqa: ANN401
    def code(images_BCHW: Tensor) -> Tensor:
        return evidence.prior.centre(evidence.model.encode(images_BCHW))

    return jacobian_norm(
        code,
        to_unit(evidence.batch.seen_BCHW),
        estimate=settings.estimate,
        probes_SBV=evidence.batch.probes_SBV,
    )


PENALTIES: dict[str, Callable[[Any, Evidence], Tensor]] = {
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
NEEDS_DENSITY = frozenset({"capacity", "moments", "mmd", "inclusive_kl", "discriminator"})
