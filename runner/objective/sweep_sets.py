"""E log q of a set of normal variables by products of matrices, with its gradient.

sum_v log2 N(z_v; loc_v, scale_v) is a constant of the encoding plus the product of the sample's
[z^2, z] with the encoding's [-p, 2 p loc], p = log2(e) / (2 scale^2). So a set costs one exponential
a pair, however many variables it has. The product cancels digits as (z / scale)^2: values are
centred first, and everything is computed in float64.

Shapes: B samples, R samples of a chunk, M encodings, C of them (the first) with a gradient, V
normal variables, X those of a set, A atoms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from runner.objective.encoding_weights import EncodingWeights
from runner.objective.sweep_singles import HALF_LOG_2PI, LN_2, LOG2_E, rows_at_once

Variables = tuple[int, ...]
Gradient = tuple[Tensor, Tensor, Tensor]
"""With respect to samples (B, X), means (C, X) and log-scales (C, X)."""


@dataclass(frozen=True)
class Atoms:
    """The enumerated variables of a set: probabilities under q(z|x_i), and log q(k|x_j)."""

    probability_AB: Tensor
    log_table_AM: Tensor


@dataclass(frozen=True)
class SetFound:
    """E log q of a set in nats, a scalar, and its gradients, where they were wanted."""

    mean: Tensor
    normals: Gradient | None = None
    atoms: tuple[Tensor, Tensor] | None = None
    """With respect to the probabilities, (A, B), and the log-table, (A, M)."""


class Quadratic:
    """The factors of log2 q(z_v|x_j) for all normal variables, in float64."""

    def __init__(self, z_BV: Tensor, loc_MV: Tensor, log_scale_MV: Tensor, learned: int) -> None:
        """Take samples and encodings, the first ``learned`` of which have a gradient."""
        self.learned = learned
        center_V = loc_MV[:learned].double().mean(0)
        self.z_BV = z_BV.double() - center_V
        self.features_BV2 = torch.stack([self.z_BV.square(), self.z_BV], 2)
        loc_VM = (loc_MV.double() - center_V).T
        log_scale_VM = log_scale_MV.double().T
        precision_VM = (-2 * log_scale_VM).exp() * (0.5 * LOG2_E)
        both_VM = precision_VM * loc_VM
        self.factors_V2M = torch.stack([-precision_VM, 2 * both_VM], 1)
        self.constant_VM = (log_scale_VM + HALF_LOG_2PI) * -LOG2_E - both_VM * loc_VM
        self.loc_VC, self.precision_VC = loc_VM[:, :learned], precision_VM[:, :learned]

    def gradients(self, which: slice | list[int], rows_BX2: Tensor, sums: Tensor) -> Gradient:
        """Return the gradients of a set from sums of responsibilities.

        ``rows_BX2`` are sums over encodings, times their factors; ``sums`` those over samples,
        times z^2 and z of every variable and, last, one, (2 X + 1, C).
        """
        slope_XC, loc_XC = 2 * LN_2 * self.precision_VC[which], self.loc_VC[which]
        second_XC, first_XC = sums[:-1].view(-1, 2, sums.shape[1]).unbind(1)
        zeroth_C = sums[-1]
        away_XC = first_XC - loc_XC * zeroth_C
        spread_XC = second_XC - loc_XC * (first_XC + away_XC)
        of_z_BX = LN_2 * torch.addcmul(rows_BX2[..., 1], rows_BX2[..., 0], 2 * self.z_BV[:, which])
        return of_z_BX, (slope_XC * away_XC).T, (slope_XC * spread_XC - zeroth_C).T


def sweep_set(
    quadratic: Quadratic,
    variables: Variables,
    weights: EncodingWeights,
    atoms: Atoms | None,
    *,
    with_gradient: bool,
) -> SetFound:
    """Return E log q of some of the normal variables, together with atoms if there are any."""
    sweep = _SetSweep(quadratic, variables, weights)
    of_atoms = _AtomSweep(atoms, with_gradient=with_gradient) if atoms else None
    for start in range(0, sweep.samples, sweep.rows):
        part = slice(start, min(start + sweep.rows, sweep.samples))
        powers_RM, top_R1 = sweep.powers(part)
        if of_atoms:
            share_R1, log_q_R = of_atoms.reduce(part, powers_RM, top_R1)
        else:
            sum_R1 = powers_RM.sum(1, keepdim=True)
            share_R1, log_q_R = 1 / (sum_R1 * sweep.samples), (sum_R1.log2() + top_R1)[:, 0]
        sweep.log_q_B[part] = log_q_R
        if with_gradient:
            sweep.add(part, powers_RM, share_R1)
    found = SetFound(sweep.log_q_B.mean() * LN_2)
    if not with_gradient:
        return found
    normals = quadratic.gradients(sweep.which, sweep.rows_BF.unflatten(1, (-1, 2)), sweep.sums_EC)
    return replace(found, normals=normals, atoms=of_atoms and of_atoms.gradients())


class _SetSweep:
    """The pairs of one set, some samples at a time, and the sums that its gradient is made of.

    Shapes: F = 2 X features of a sample, E = F + 1 of them and one.
    """

    def __init__(
        self, quadratic: Quadratic, variables: Variables, weights: EncodingWeights
    ) -> None:
        first, last = variables[0], variables[-1] + 1
        # Neighbours are views, others copies.
        self.which = slice(first, last) if last - first == len(variables) else list(variables)
        self.features_BF = quadratic.features_BV2[:, self.which].flatten(1)
        self.factors_FM = quadratic.factors_V2M[self.which].flatten(0, 1)
        constant_M = quadratic.constant_VM[self.which].sum(0)
        self.constant_M = constant_M + weights.others_M.double() * LOG2_E
        self.samples, encodings = len(self.features_BF), len(constant_M)
        self.own_B = weights.correction_B(self.samples).double() * LOG2_E
        self.first = weights.first
        self.rows = min(self.samples, rows_at_once(2 * encodings, constant_M))
        self.pairs_RM = constant_M.new_empty(self.rows, encodings)
        self.log_q_B = torch.empty_like(self.own_B)
        self.rows_BF = torch.empty_like(self.features_BF)
        self.sums_EC = constant_M.new_zeros(self.features_BF.shape[1] + 1, quadratic.learned)

    def powers(self, part: slice) -> tuple[Tensor, Tensor]:
        """Return w_ij q(z_i|x_j) over its largest, (R, M), and that as a logarithm to base 2."""
        pairs_RM = self.pairs_RM[: part.stop - part.start]
        torch.addmm(self.constant_M, self.features_BF[part], self.factors_FM, out=pairs_RM)
        pairs_RM.diagonal(self.first + part.start).add_(self.own_B[part])
        top_R1 = pairs_RM.amax(1, keepdim=True)
        return pairs_RM.sub_(top_R1).exp2_(), top_R1

    def add(self, part: slice, powers_RM: Tensor, share_R1: Tensor) -> None:
        """Add the sums over the responsibilities, which are the powers times the shares."""
        features_RF = self.features_BF[part]
        torch.mul(powers_RM @ self.factors_FM.T, share_R1, out=self.rows_BF[part])
        with_one_RE = torch.cat([features_RF * share_R1, share_R1], 1)
        self.sums_EC.addmm_(with_one_RE.T, powers_RM[:, : self.sums_EC.shape[1]])


class _AtomSweep:
    """The atoms of a set: its density is a sum over encodings of a product with their table."""

    def __init__(self, atoms: Atoms, *, with_gradient: bool) -> None:
        self.probability_BA = atoms.probability_AB.double().T
        self.table_AM = atoms.log_table_AM.double().exp()
        self.with_gradient = with_gradient
        self.log_q_BA = torch.empty_like(self.probability_BA)
        self.sums_AM = torch.zeros_like(self.table_AM)

    def reduce(self, part: slice, powers_RM: Tensor, top_R1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares, (R, 1), and E log2 q, (R,); powers become responsibilities by them."""
        sum_RA = (powers_RM @ self.table_AM.T).clamp_min(torch.finfo(top_R1.dtype).tiny)
        self.log_q_BA[part] = sum_RA.log2() + top_R1
        probability_RA = self.probability_BA[part]
        samples = len(self.probability_BA)
        if self.with_gradient:
            shares_RA = probability_RA / (sum_RA * samples)
            self.sums_AM.addmm_(shares_RA.T, powers_RM)
            powers_RM.mul_(shares_RA @ self.table_AM)
        return torch.ones_like(top_R1), (probability_RA * self.log_q_BA[part]).sum(1)

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return those with respect to the probabilities, (A, B), and to the log-table, (A, M)."""
        of_probability_AB = self.log_q_BA.T * (LN_2 / len(self.log_q_BA))
        return of_probability_AB, self.sums_AM * self.table_AM
