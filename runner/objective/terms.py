"""The five terms whose plain sum is the negative ELBO, and the information of each group.

Shapes: B samples, M encodings, V variables, G groups, A atoms (see ``aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import LogDensities, log_aggregate_posterior


@dataclass(frozen=True, slots=True)
class Terms:
    """One scalar per term, in nats per example; their plain sum is the negative ELBO."""

    reconstruction: Tensor
    """-E log p(x|z), summed over pixels."""
    index_code_mi: Tensor
    """E[log q(z|x) - log q(z)]: mutual information of image index and code."""
    group_total_correlation: Tensor
    """E[log q(z) - sum_g log q(z_g)] less the prior's own: dependence between groups."""
    within_group_total_correlation: Tensor
    """sum_g E[log q(z_g) - sum_v log q(z_v)] less the prior's own: dependence within groups."""
    dimension_wise_kl: Tensor
    """sum_v E[log q(z_v) - log p(z_v)]: distance of each variable from its prior."""

    def stack(self) -> Tensor:
        """Return the terms as one tensor of shape (T,), in the order of their declaration."""
        return torch.stack([getattr(self, name) for name in TERM_NAMES])


TERM_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Terms))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The terms of a minibatch, and what each variable and group knows of the image."""

    terms: Terms
    variable_information_V: Tensor
    """I(x; z_v) of each variable, group by group, in nats."""
    group_information_G: Tensor
    """I(x; z_g) of each group, in nats."""


def decompose(
    densities: LogDensities, reconstruction: Tensor, log_weights_BM: Tensor
) -> Decomposition:
    """Split the negative ELBO into its five terms, with one estimate of q(z) behind all of them.

    Every prior of the program factorises over its variables, so the prior's own correlation, which
    the two correlation terms subtract, is zero.

    Shapes: ``reconstruction`` is -E log p(x|z), a scalar; all returned figures are means over B.
    Units: nats per example.
    Source: Esmaeili et al. 2019. The sum telescopes to the negative ELBO for any estimator.
    """

    def mean(values_AB: Tensor) -> Tensor:
        return (densities.atoms_AB * values_AB).sum(0).mean()

    log_qz_AB = _log_joint(densities, log_weights_BM)
    own_g = [mean(group.log_qz_x_VAB.sum(0)) for group in densities.groups]
    marginal_g = _log_group_marginals(densities, log_qz_AB, log_weights_BM)
    marginal_v = _log_variable_marginals(densities, marginal_g, log_weights_BM)
    mean_log_qz = mean(log_qz_AB)
    mean_log_qzg = [mean(values_AB) for values_AB in marginal_g]
    mean_log_qzv = [torch.stack([mean(row) for row in rows_VAB]) for rows_VAB in marginal_v]
    terms = Terms(
        reconstruction=reconstruction,
        index_code_mi=_total(own_g) - mean_log_qz,
        group_total_correlation=mean_log_qz - _total(mean_log_qzg),
        within_group_total_correlation=_total(
            [group - each.sum() for group, each in zip(mean_log_qzg, mean_log_qzv, strict=True)]
        ),
        dimension_wise_kl=_total(
            [
                each.sum() - mean(group.log_pz_VAB.sum(0))
                for each, group in zip(mean_log_qzv, densities.groups, strict=True)
            ]
        ),
    )
    own_v = [torch.stack([mean(row) for row in g.log_qz_x_VAB]) for g in densities.groups]
    return Decomposition(
        terms=terms,
        variable_information_V=torch.cat(own_v) - torch.cat(mean_log_qzv),
        group_information_G=torch.stack(own_g) - torch.stack(mean_log_qzg),
    )


def _log_joint(densities: LogDensities, log_weights_BM: Tensor) -> Tensor:
    joint_ABM = _total([group.log_qz_x_VABM.sum(0) for group in densities.groups])
    return log_aggregate_posterior(joint_ABM, log_weights_BM)


def _log_group_marginals(
    densities: LogDensities, log_qz_AB: Tensor, log_weights_BM: Tensor
) -> list[Tensor]:
    if len(densities.groups) == 1:  # the only group is the joint: its correlation is exactly zero
        return [log_qz_AB]
    return [
        log_aggregate_posterior(group.log_qz_x_VABM.sum(0), log_weights_BM)
        for group in densities.groups
    ]


def _log_variable_marginals(
    densities: LogDensities, marginal_g: Sequence[Tensor], log_weights_BM: Tensor
) -> list[Tensor]:
    return [
        log_qzg_AB[None]  # a group of one variable is that variable
        if len(group.log_qz_x_VABM) == 1
        else log_aggregate_posterior(group.log_qz_x_VABM, log_weights_BM)
        for group, log_qzg_AB in zip(densities.groups, marginal_g, strict=True)
    ]


def _total(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
