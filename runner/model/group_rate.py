"""The rate of a group of latent variables by itself.

Shapes: B samples, V continuous variables, W columns of z, P parameters of q(z|x).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Normal

from runner.model.conditional import ConditionalSpace
from runner.model.latent_space import LatentSpace
from runner.model.prior import Prior


def group_rate(latents: LatentSpace, group: int, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
    """Return KL(q(z_g|x)||p(z_g)) of the group of this number, (B,), in nats.

    Under a prior that factorises it is the sum over the group's variables, each in closed form
    where there is one. Under one that does not (a mixture, correlated normals) the marginal rates
    do not add up to it: a group of all continuous variables has the prior's own rate, and a part of
    them the estimate log q(z_g|x) - log p(z_g) at the sample z, which is unbiased.

    Of a conditional posterior it is sum_c q(c|x) KL(q(z_g|x, c)||p(z_g)) for the group's normal
    variables, an upper bound of the rate of their mixture, which has no closed form.

    Shapes: z_BW a sample from q(z|x) whose parameters are parameters_BP.
    """
    if isinstance(latents, ConditionalSpace):
        if latents.discrete.density != "argmax":
            return _conditional(latents, group, z_BW, parameters_BP)
        latents, parameters_BP = latents.at_draw(parameters_BP, z_BW)
    variables = latents.tree.children[group].variables
    prior = latents.required_prior
    count = len(latents.discrete.variables)
    continuous = [v - count for v in variables if v >= count]
    if prior.factorises or not continuous:
        return latents.rate_per_variable(z_BW, parameters_BP)[:, list(variables)].sum(1)
    rate_B = _dependent(latents, continuous, z_BW, parameters_BP)
    discrete = [v for v in variables if v < count]
    if not discrete:
        return rate_B
    return rate_B + latents.rate_per_variable(z_BW, parameters_BP)[:, discrete].sum(1)


def _conditional(
    latents: ConditionalSpace, group: int, z_BW: Tensor, parameters_BP: Tensor
) -> Tensor:
    """Return the rate of a group, given the discrete variables, (B,), in nats."""
    variables = latents.tree.children[group].variables
    count = len(latents.discrete.variables)
    continuous = [v - count for v in variables if v >= count]
    rate_B = z_BW.new_zeros(len(z_BW))
    for discrete in [v for v in variables if v < count]:
        rate_B = rate_B + latents.discrete_rates(z_BW, parameters_BP)[:, discrete]
    if not continuous:
        return rate_B
    share_AB, (loc_BAV, scale_BAV, sample_BAV) = latents.given_atoms(z_BW, parameters_BP)
    flat = [each_BAV.flatten(0, 1) for each_BAV in (loc_BAV, scale_BAV, sample_BAV)]
    prior = latents.required_prior
    if prior.factorises:
        rates_SV = prior.rate_per_variable(*flat)
        given_S = torch.stack([rates_SV[:, v] for v in continuous]).sum(0)
    else:
        given_S = _of_dependent(prior, continuous, *flat)
    return rate_B + (share_AB * given_S.unflatten(0, loc_BAV.shape[:2]).T).sum(0)


def _dependent(
    latents: LatentSpace, continuous: Sequence[int], z_BW: Tensor, parameters_BP: Tensor
) -> Tensor:
    """Return the rate of some continuous variables whose prior does not factorise, (B,)."""
    normals = (*latents.posterior(parameters_BP), latents.continuous_part(z_BW))
    return _of_dependent(latents.required_prior, continuous, *normals)


def _of_dependent(
    prior: Prior, continuous: Sequence[int], loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor
) -> Tensor:
    if len(continuous) == prior.count:
        return prior.rate(loc_BV, scale_BV, z_BV)
    # No check of values, which cannot be made while runs are stacked.
    log_q_BV = Normal(loc_BV, scale_BV, validate_args=False).log_prob(z_BV)
    return torch.stack([log_q_BV[:, v] for v in continuous]).sum(0) - prior.log_joint(
        z_BV, continuous
    )
