"""Penalties added to the loss, computed from one step's tensors.

A penalty is its function here, its settings in ``config.objective_schema`` and its defaults in
``conf/config.yaml``.

Shapes: B images, C H W image, W columns of z, P parameters of q(z|x) that the encoder gives, V
continuous variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from runner.config import PenaltiesConfig
from runner.model import VAE, LatentSpace
from runner.model.quantised import Quantised
from runner.objective import Objective, Plan, divergences, penalties
from runner.plugins import piece
from runner.training.batch import Batch
from runner.training.contraction import jacobian_norm
from runner.training.discriminator import Discriminator
from runner.training.own_penalties import own_value
from runner.training.supervision import bound_given_class, objective_given_class, with_class


@dataclass(frozen=True)
class PenaltyInputs:
    """What penalties are computed from: the tensors of a step, and the plan with its weights."""

    plan: Plan
    weights: Mapping[str, Tensor]
    """The weights of the step by slot: ``mmd.weight``, ``capacity.nats``."""
    model: VAE
    latents: LatentSpace
    batch: Batch
    parameters_BP: Tensor
    z_BW: Tensor
    rate: Tensor | None
    """E KL(q(z|x)||p(z)) in nats; None for a deterministic code."""
    discriminator: Discriminator | None

    @property
    def settings(self) -> PenaltiesConfig:
        """Their settings; numbers that may be scheduled are in ``weights``, as at the step."""
        return self.plan.settings

    @property
    def prior_BW(self) -> Tensor:
        """Draws from p(z), one for each image."""
        if self.batch.uniform_BU is None:
            raise ValueError("this penalty needs draws from p(z)")
        return self.latents.sample_prior(self.batch.uniform_BU)


@dataclass(frozen=True)
class Penalty:
    """A penalty: how it is computed, and what it needs."""

    value: Callable[[PenaltyInputs], Tensor]
    """Its value without its weight, a scalar."""
    needs_density: bool = False
    """Whether q(z|x) must be a distribution, so that a deterministic code cannot have it."""
    needs_prior_draws: bool = False
    """Whether it compares z with draws from p(z)."""
    needs_values: bool = False
    """Whether it is of a code whose numbers are the nearest of a few values."""
    needs_labels: bool = False
    """Whether it reads the labels of the batch, which are gathered for it alone."""
    needs_labelled_images: bool = False
    """Whether it reads another minibatch, of images whose class is known."""


def weighted_penalties(
    active: Sequence[str], inputs: PenaltyInputs
) -> tuple[Tensor | float, dict[str, Tensor]]:
    """Return the sum of the active penalties, weighted, and each of them without its weight."""
    total: Tensor | float = 0.0
    found: dict[str, Tensor] = {}
    for name in active:
        found[name] = penalty(name).value(inputs)
        weight = inputs.weights.get(f"{name}.weight", 1.0)  # moments have two weights of their own
        total = total + weight * found[name]
    return total, found


def penalty(name: str) -> Penalty:
    """Return the penalty of a name, ours or one that a user's file adds.

    Raises: KeyError where there is none.
    """
    own = None if name in PENALTIES else piece("penalty", name)
    if own is None:
        return PENALTIES[name]
    needs: tuple[str, ...] = own.options["needs"]
    return Penalty(
        lambda inputs: own_value(own, getattr(inputs.settings, own.name), inputs.weights, inputs),
        needs_density="density" in needs or "prior_draws" in needs,
        needs_prior_draws="prior_draws" in needs,
        needs_labels="labels" in needs,
    )


def active_penalties(objective: Objective) -> tuple[str, ...]:
    """Return the penalties that ever weigh something, by name."""
    return objective.plan.penalties


def _capacity(inputs: PenaltyInputs) -> Tensor:
    if inputs.rate is None:
        raise ValueError("this penalty needs a rate")
    return penalties.capacity(inputs.rate, inputs.weights["capacity.nats"])


def _moments(inputs: PenaltyInputs) -> Tensor:
    latents, parameters_BP = inputs.latents, inputs.parameters_BP
    of_codes = inputs.settings.moments.of == "codes"
    return penalties.moment_matching(
        latents.posterior(parameters_BP)[0],
        latents.covariance_given_image(parameters_BP) if of_codes else None,
        inputs.weights["moments.off_diagonal"],
        inputs.weights["moments.diagonal"],
    )


def _mmd(inputs: PenaltyInputs) -> Tensor:
    settings, part = inputs.settings.mmd, inputs.latents.continuous_part
    mmd = divergences.dimension_wise_mmd if settings.dimension_wise else divergences.mmd
    return mmd(part(inputs.z_BW), part(inputs.prior_BW), settings.kernel, settings.scales)


def _inclusive_kl(inputs: PenaltyInputs) -> Tensor:
    """Score draws from p(z) under the mixture of the minibatch's posteriors."""
    latents, drawn_BW = inputs.latents, inputs.prior_BW
    densities = latents.densities(drawn_BW, inputs.parameters_BP, inputs.parameters_BP)
    log_pz_B = latents.log_pz(drawn_BW, range(len(latents.variable_names)))[0]
    return divergences.inclusive_kl(log_pz_B, densities.sampled_VBM.sum(0))


def _discriminator(inputs: PenaltyInputs) -> Tensor:
    if inputs.discriminator is None:
        raise ValueError("this penalty needs a discriminator")
    return inputs.discriminator.total_correlation(inputs.z_BW)


def _sparsity(inputs: PenaltyInputs) -> Tensor:
    settings = inputs.settings.sparsity
    code_BV = inputs.latents.continuous_part(inputs.latents.posterior_mean(inputs.parameters_BP))
    if settings.kind == "l1":
        return penalties.l1_sparsity(code_BV)
    return penalties.kl_sparsity(code_BV, settings.rate)


def _contraction(inputs: PenaltyInputs) -> Tensor:
    def code(images_BCHW: Tensor) -> Tensor:
        return inputs.latents.posterior_mean(inputs.model.encode(images_BCHW))

    return jacobian_norm(
        code,
        inputs.batch.inputs_BCHW,
        estimate=inputs.settings.contraction.estimate,
        probes_SBV=inputs.batch.probes_SBV,
    )


def _quantisation(inputs: PenaltyInputs) -> Tensor:
    """Move the values towards the encoder's numbers."""
    code_BV = inputs.parameters_BP
    return penalties.squared_distance(_nearest(inputs, code_BV), code_BV.detach())


def _commitment(inputs: PenaltyInputs) -> Tensor:
    """Move the encoder's numbers towards the values."""
    code_BV = inputs.parameters_BP
    return penalties.squared_distance(_nearest(inputs, code_BV).detach(), code_BV)


def _nearest(inputs: PenaltyInputs, code_BV: Tensor) -> Tensor:
    variables = inputs.latents.continuous
    if not isinstance(variables, Quantised):
        raise ValueError("this penalty needs a quantised code")  # noqa: TRY004 - as of the others
    return variables.nearest(code_BV)


def _supervision(inputs: PenaltyInputs) -> Tensor:
    classification = inputs.weights["supervision.classification"]
    given = with_class(inputs.model, inputs.latents, inputs.batch)
    if inputs.settings.supervision.loss == "objective":
        return objective_given_class(given, inputs.plan, inputs.weights, classification)
    return bound_given_class(given, classification)


PENALTIES = {
    "capacity": Penalty(_capacity, needs_density=True),
    "moments": Penalty(_moments, needs_density=True),
    "mmd": Penalty(_mmd, needs_density=True, needs_prior_draws=True),
    "inclusive_kl": Penalty(_inclusive_kl, needs_density=True, needs_prior_draws=True),
    "discriminator": Penalty(_discriminator, needs_density=True),
    "sparsity": Penalty(_sparsity),
    "contraction": Penalty(_contraction),
    "quantisation": Penalty(_quantisation, needs_values=True),
    "commitment": Penalty(_commitment, needs_values=True),
    "supervision": Penalty(_supervision, needs_density=True, needs_labelled_images=True),
}
"""Name in ``objective.penalties`` → penalty."""
