"""E log q of sets of many normal variables by products of matrices, with its gradient.

sum_v log2 N(z_v; loc_v, scale_v) is a constant of the encoding plus the product of the sample's
[z^2, z] with the encoding's [-p, 2 p loc], p = log2(e) / (2 scale^2). So a set costs one
exponential a pair, however many variables it has. The product cancels digits as (z / scale)^2:
values are centred first, and exponents and the sums behind the gradient of log-scales are computed
in float64. The exponential, and the sums behind the gradient of samples, which cancel digits only
as |z| / scale, are computed in the type of the samples.

Shapes: B samples, R samples of a chunk, M encodings, C of them (the first) with a gradient, V
normal variables, X those of the set, F = 2 X features of a sample, E = F + 1, A atoms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.objective.sweep_few import (
    HALF_LOG_2PI,
    LEAST_EXPONENT,
    LN_2,
    LOG2_E,
    Pairs,
    SetsFound,
    Variables,
    columns,
)


@dataclass(frozen=True)
class Atoms:
    """The enumerated variables of a set: probabilities under q(z|x_i), and log q(k|x_j)."""

    probability_AB: Tensor
    log_table_AM: Tensor


class Quadratic:
    """The factors of log2 w_ij q(z_v|x_j) for all normal variables, in float64."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        loc_VM, log_scale_VM = pairs.loc_VM.double(), pairs.log_scale_VM.double()
        center_V1 = loc_VM[:, : pairs.learned].mean(1, keepdim=True)
        self.z_VB = pairs.z_VB.double() - center_V1
        self.features_VB2 = torch.stack([self.z_VB.square(), self.z_VB], 2)
        loc_VM = loc_VM - center_V1
        precision_VM = (-2 * LOG2_E * log_scale_VM).exp2_().mul_(0.5 * LOG2_E)
        both_VM = precision_VM * loc_VM
        self.factors_V2M = torch.stack([-precision_VM, 2 * both_VM], 1)
        self.constant_VM = (log_scale_VM + HALF_LOG_2PI) * -LOG2_E - both_VM * loc_VM
        self.loc_VC, self.precision_VC = (
            loc_VM[:, : pairs.learned],
            precision_VM[:, : pairs.learned],
        )
        self.weight_M = pairs.weights.others_M.double() * LOG2_E
        self.own_B = pairs.weights.correction_B(pairs.samples).double() * LOG2_E

    def gradients(
        self, which: slice | list[int], rows_BF: Tensor, sums_EC: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of a set from sums of responsibilities.

        ``rows_BF`` are sums over encodings, times their factors; ``sums_EC`` those over samples,
        times z^2 and z of every variable and, last, one.
        """
        loc_XC, slope_XC = self.loc_VC[which], 2 * LN_2 * self.precision_VC[which]
        second_XC, first_XC = sums_EC[:-1].unflatten(0, (-1, 2)).unbind(1)
        zeroth_C = sums_EC[-1]
        away_XC = first_XC - loc_XC * zeroth_C
        spread_XC = second_XC - loc_XC * (first_XC + away_XC)
        square_BX, linear_BX = rows_BF.unflatten(1, (-1, 2)).unbind(2)
        return (
            LN_2 * torch.addcmul(linear_BX, square_BX, self.z_VB[which].T, value=2),
            (slope_XC * away_XC).T,
            (slope_XC * spread_XC - zeroth_C).T,
        )


def sweep_many(
    quadratic: Quadratic, variables: Variables, atoms: Atoms | None, *, with_gradient: bool
) -> SetsFound:
    """Return E log q of a set of normal variables, together with atoms if there are any."""
    pairs = quadratic.pairs
    sweep = _SetSweep(quadratic, variables, torch.float64 if atoms else pairs.z_VB.dtype)
    of_atoms = _AtomSweep(atoms, with_gradient=with_gradient) if atoms else None
    for part in sweep.chunks:
        powers_RM, top_R1 = sweep.weigh(part)
        if of_atoms:
            share_R1, log_q_R1 = of_atoms.reduce(part, powers_RM, top_R1)
        else:
            sum_R1 = powers_RM.sum(1, keepdim=True)
            share_R1, log_q_R1 = 1 / (sum_R1 * pairs.samples), sum_R1.log2() + top_R1
        sweep.log_q_B1[part] = log_q_R1
        if with_gradient:
            sweep.add(part, powers_RM, share_R1)
    mean_S = sweep.log_q_B1.mean(0) * LN_2
    if not with_gradient:
        return SetsFound(mean_S)
    normals = quadratic.gradients(sweep.which, sweep.rows_BF, sweep.sums_EC)
    return SetsFound(mean_S, normals, of_atoms.gradients() if of_atoms else ())


class _SetSweep:
    """The pairs of a set, some samples at a time, and the sums that gradients are made of."""

    def __init__(self, quadratic: Quadratic, variables: Variables, dtype: torch.dtype) -> None:
        """Take the set, and the type of the exponentials."""
        self.which = columns(variables)
        self.features_BF = quadratic.features_VB2[self.which].transpose(0, 1).flatten(1)
        self.factors_FM = quadratic.factors_V2M[self.which].flatten(0, 1)
        self.constant_M = quadratic.constant_VM[self.which].sum(0) + quadratic.weight_M
        self.own_B, self.first = quadratic.own_B, quadratic.pairs.weights.first
        self.chunks = quadratic.pairs.rows(len(self.constant_M))
        self.pairs_RM = self.own_B.new_empty(self.chunks[0].stop, len(self.constant_M))
        self.powers_RM = self.pairs_RM.to(dtype) if dtype != torch.float64 else self.pairs_RM
        self.factors_MF = self.factors_FM.to(dtype).T.contiguous()
        self.log_q_B1 = self.own_B.new_empty(len(self.own_B), 1)
        self.rows_BF = torch.empty_like(self.features_BF)
        self.sums_EC = self.own_B.new_zeros(len(self.factors_FM) + 1, quadratic.pairs.learned)

    def weigh(self, part: slice) -> tuple[Tensor, Tensor]:
        """Return w_ij q(z_i|x_j) over its largest, (R, M), and that as a logarithm to base 2."""
        pairs_RM, powers_RM = (t[: part.stop - part.start] for t in (self.pairs_RM, self.powers_RM))
        torch.addmm(self.constant_M, self.features_BF[part], self.factors_FM, out=pairs_RM)
        pairs_RM.diagonal(self.first + part.start).add_(self.own_B[part])
        top_R1 = pairs_RM.amax(1, keepdim=True)
        pairs_RM.sub_(top_R1).clamp_min_(LEAST_EXPONENT)
        if powers_RM.dtype != pairs_RM.dtype:
            powers_RM.copy_(pairs_RM)
        return powers_RM.exp2_(), top_R1

    def add(self, part: slice, powers_RM: Tensor, share_R1: Tensor) -> None:
        """Add the sums over the responsibilities, which are the powers times the shares."""
        share_R1 = share_R1.double()
        self.rows_BF[part] = (powers_RM @ self.factors_MF).double() * share_R1
        with_one_RE = torch.cat([self.features_BF[part] * share_R1, share_R1], 1)
        learned_RC = powers_RM[:, : self.sums_EC.shape[1]].double()
        self.sums_EC.addmm_(with_one_RE.T, learned_RC)


class _AtomSweep:
    """The atoms of a set: its density is a sum over encodings of a product with their table."""

    def __init__(self, atoms: Atoms, *, with_gradient: bool) -> None:
        self.probability_BA = atoms.probability_AB.double().T
        self.table_AM = atoms.log_table_AM.double().exp()
        self.with_gradient = with_gradient
        self.log_q_BA = torch.empty_like(self.probability_BA)
        self.sums_AM = torch.zeros_like(self.table_AM)

    def reduce(self, part: slice, powers_RM: Tensor, top_R1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares and E log2 q, (R, 1); powers become responsibilities by them."""
        sum_RA = (powers_RM @ self.table_AM.T).clamp_min(torch.finfo(top_R1.dtype).tiny)
        self.log_q_BA[part] = sum_RA.log2() + top_R1
        probability_RA = self.probability_BA[part]
        samples = len(self.probability_BA)
        if self.with_gradient:
            shares_RA = probability_RA / (sum_RA * samples)
            self.sums_AM.addmm_(shares_RA.T, powers_RM)
            powers_RM.mul_(shares_RA @ self.table_AM)
        log_q_R1 = (probability_RA * self.log_q_BA[part]).sum(1, keepdim=True)
        return torch.ones_like(top_R1), log_q_R1

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return those with respect to the probabilities, (A, B), and to the log-table, (A, M)."""
        of_probability_AB = self.log_q_BA.T * (LN_2 / len(self.log_q_BA))
        return of_probability_AB, self.sums_AM * self.table_AM
