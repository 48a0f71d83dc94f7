"""E log q of sets of normal variables by products of matrices, with its gradient.

sum_v log2 N(z_v; loc_v, scale_v) is a constant of the encoding plus the product of the sample's
[z^2, z] with the encoding's [-p, 2 p loc], p = log2(e) / (2 scale^2). So a set costs one
exponential a pair, however many variables it has. The product cancels digits as (z / scale)^2:
values are centred first, and exponents and the sums behind the gradient of log-scales are computed
in float64. The exponential, and the sums behind the gradient of samples, which cancel digits only
as |z| / scale, are computed in the type of the samples.

Shapes: B samples, R samples of a chunk, M encodings, C of them (the first) with a gradient, V
normal variables, S sets of X variables each, F = 2 X features of a sample, E = F + 1, A atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.objective.encoding_weights import EncodingWeights
from runner.objective.sweep_singles import HALF_LOG_2PI, LN_2, LOG2_E, rows_at_once

Variables = tuple[int, ...]


@dataclass(frozen=True)
class Atoms:
    """The enumerated variables of a set: probabilities under q(z|x_i), and log q(k|x_j)."""

    probability_AB: Tensor
    log_table_AM: Tensor


@dataclass(frozen=True)
class SetsFound:
    """E log q of sets of equal size, in nats, and its gradients, where they were wanted."""

    mean_S: Tensor
    normals: tuple[Tensor, ...] = ()
    """With respect to samples (B, S X), means and log-scales (C, S X)."""
    atoms: tuple[Tensor, ...] = ()
    """With respect to the probabilities, (A, B), and the log-table, (A, M)."""


def columns(variables: Sequence[int]) -> slice | list[int]:
    """Return an index of some variables: a slice, which copies nothing, if they are neighbours."""
    first, last = variables[0], variables[-1] + 1
    return slice(first, last) if list(variables) == list(range(first, last)) else list(variables)


class Quadratic:
    """The factors of log2 w_ij q(z_v|x_j) for all normal variables, in float64."""

    def __init__(
        self, z_BV: Tensor, encodings_MP: Tensor, learned: int, weights: EncodingWeights
    ) -> None:
        """Take samples, and means and log-scales, of which the first have a gradient."""
        loc_VM, log_scale_VM = encodings_MP.T.contiguous().double().chunk(2)
        center_V1 = loc_VM[:, :learned].mean(1, keepdim=True)
        self.learned, self.dtype = learned, z_BV.dtype
        self.z_VB = z_BV.T.contiguous().double() - center_V1
        self.features_VB2 = torch.stack([self.z_VB.square(), self.z_VB], 2)
        loc_VM = loc_VM - center_V1
        precision_VM = (-2 * LOG2_E * log_scale_VM).exp2_().mul_(0.5 * LOG2_E)
        both_VM = precision_VM * loc_VM
        self.factors_V2M = torch.stack([-precision_VM, 2 * both_VM], 1)
        self.constant_VM = (log_scale_VM + HALF_LOG_2PI) * -LOG2_E - both_VM * loc_VM
        self.loc_VC, self.precision_VC = loc_VM[:, :learned], precision_VM[:, :learned]
        self.others_M = weights.others_M.double() * LOG2_E
        self.own_B = weights.correction_B(len(z_BV)).double() * LOG2_E
        self.first = weights.first

    def gradients(
        self, which: slice | list[int], rows_SBF: Tensor, sums_SEC: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of some sets from sums of responsibilities.

        ``rows_SBF`` are sums over encodings, times their factors; ``sums_SEC`` those over samples,
        times z^2 and z of every variable and, last, one.
        """
        sets, features = len(rows_SBF), rows_SBF.shape[2]
        zeroth_SC = sums_SEC[:, -1:]
        loc_SXC, slope_SXC = (
            t[which].view(sets, -1, self.learned)
            for t in (self.loc_VC, 2 * LN_2 * self.precision_VC)
        )
        second_SXC, first_SXC = sums_SEC[:, :-1].unflatten(1, (-1, 2)).unbind(2)
        away_SXC = first_SXC - loc_SXC * zeroth_SC
        spread_SXC = second_SXC - loc_SXC * (first_SXC + away_SXC)
        square_BY, linear_BY = (
            rows_SBF.transpose(0, 1).reshape(-1, sets * features // 2, 2).unbind(2)
        )
        return (
            LN_2 * torch.addcmul(linear_BY, square_BY, self.z_VB[which].T, value=2),
            (slope_SXC * away_SXC).flatten(0, 1).T,
            (slope_SXC * spread_SXC - zeroth_SC).flatten(0, 1).T,
        )


def sweep_sets(
    quadratic: Quadratic,
    sets: Sequence[Variables],
    atoms: Atoms | None = None,
    *,
    with_gradient: bool,
) -> SetsFound:
    """Return E log q of sets of as many normal variables each; of one set together with atoms."""
    sweep = _SetSweep(quadratic, sets, torch.float64 if atoms else quadratic.dtype)
    of_atoms = _AtomSweep(atoms, with_gradient=with_gradient) if atoms else None
    for start in range(0, sweep.samples, sweep.rows):
        part = slice(start, min(start + sweep.rows, sweep.samples))
        powers_SRM, top_SR1 = sweep.weigh(part)
        if of_atoms:
            share_SR1, log_q_SR1 = of_atoms.reduce(part, powers_SRM[0], top_SR1)
        else:
            sum_SR1 = powers_SRM.sum(2, keepdim=True)
            share_SR1, log_q_SR1 = 1 / (sum_SR1 * sweep.samples), sum_SR1.log2() + top_SR1
        sweep.log_q_SB1[:, part] = log_q_SR1
        if with_gradient:
            sweep.add(part, powers_SRM, share_SR1)
    mean_S = sweep.log_q_SB1.mean((1, 2)) * LN_2
    if not with_gradient:
        return SetsFound(mean_S)
    normals = quadratic.gradients(sweep.which, sweep.rows_SBF, sweep.sums_SEC)
    return SetsFound(mean_S, normals, of_atoms.gradients() if of_atoms else ())


class _SetSweep:
    """The pairs of some sets, some samples at a time, and the sums that gradients are made of."""

    def __init__(
        self, quadratic: Quadratic, sets: Sequence[Variables], dtype: torch.dtype
    ) -> None:
        """Take the sets, and the type of the exponentials."""
        self.which = columns([v for part in sets for v in part])
        features_VB2 = quadratic.features_VB2[self.which].unflatten(0, (len(sets), -1))
        self.features_SBF = features_VB2.transpose(1, 2).flatten(2)
        self.factors_SFM = (
            quadratic.factors_V2M[self.which].unflatten(0, (len(sets), -1)).flatten(1, 2)
        )
        constant_SXM = quadratic.constant_VM[self.which].unflatten(0, (len(sets), -1))
        self.constant_S1M = constant_SXM.sum(1, keepdim=True) + quadratic.others_M
        self.own_B, self.first = quadratic.own_B, quadratic.first
        self.samples, encodings = len(self.own_B), len(quadratic.others_M)
        new = self.own_B.new_empty
        self.rows = min(self.samples, rows_at_once(len(sets) * encodings, self.own_B))
        self.pairs = new(len(sets) * self.rows * encodings)
        self.powers = torch.empty_like(self.pairs, dtype=dtype)
        self.factors_SMF = self.factors_SFM.to(dtype).transpose(1, 2).contiguous()
        self.log_q_SB1 = new(len(sets), self.samples, 1)
        self.rows_SBF = torch.empty_like(self.features_SBF)
        shape = (len(sets), self.features_SBF.shape[2] + 1, quadratic.learned)
        self.sums_SEC = self.own_B.new_zeros(shape)

    def weigh(self, part: slice) -> tuple[Tensor, Tensor]:
        """Return w_ij q(z_i|x_j) over its largest, (S, R, M), and that as a logarithm to base 2."""
        features_SRF = self.features_SBF[:, part]
        sets, rows, encodings = *features_SRF.shape[:2], self.factors_SFM.shape[2]
        pairs_SRM = self.pairs[: sets * rows * encodings].view(sets, rows, encodings)
        if sets == 1:  # some libraries have a slower product for a batch
            torch.addmm(
                self.constant_S1M[0], features_SRF[0], self.factors_SFM[0], out=pairs_SRM[0]
            )
        else:
            torch.baddbmm(self.constant_S1M, features_SRF, self.factors_SFM, out=pairs_SRM)
        pairs_SRM.diagonal(self.first + part.start, 1, 2).add_(self.own_B[part])
        top_SR1 = pairs_SRM.amax(2, keepdim=True)
        pairs_SRM.sub_(top_SR1)
        powers_SRM = self.powers[: pairs_SRM.numel()].view_as(pairs_SRM)
        return powers_SRM.copy_(pairs_SRM).exp2_(), top_SR1.to(powers_SRM.dtype)

    def add(self, part: slice, powers_SRM: Tensor, share_SR1: Tensor) -> None:
        """Add the sums over the responsibilities, which are the powers times the shares."""
        share_SR1 = share_SR1.double()
        self.rows_SBF[:, part] = (powers_SRM @ self.factors_SMF).double() * share_SR1
        with_one_SRE = torch.cat([self.features_SBF[:, part] * share_SR1, share_SR1], 2)
        learned_SRC = powers_SRM[:, :, : self.sums_SEC.shape[2]].double()
        self.sums_SEC.baddbmm_(with_one_SRE.transpose(1, 2), learned_SRC)


class _AtomSweep:
    """The atoms of a set: its density is a sum over encodings of a product with their table."""

    def __init__(self, atoms: Atoms, *, with_gradient: bool) -> None:
        self.probability_BA = atoms.probability_AB.double().T
        self.table_AM = atoms.log_table_AM.double().exp()
        self.with_gradient = with_gradient
        self.log_q_BA = torch.empty_like(self.probability_BA)
        self.sums_AM = torch.zeros_like(self.table_AM)

    def reduce(self, part: slice, powers_RM: Tensor, top_1R1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares and E log2 q, (1, R, 1); powers become responsibilities by them."""
        top_R1 = top_1R1[0]
        sum_RA = (powers_RM @ self.table_AM.T).clamp_min(torch.finfo(top_R1.dtype).tiny)
        self.log_q_BA[part] = sum_RA.log2() + top_R1
        probability_RA = self.probability_BA[part]
        samples = len(self.probability_BA)
        if self.with_gradient:
            shares_RA = probability_RA / (sum_RA * samples)
            self.sums_AM.addmm_(shares_RA.T, powers_RM)
            powers_RM.mul_(shares_RA @ self.table_AM)
        log_q_R1 = (probability_RA * self.log_q_BA[part]).sum(1, keepdim=True)
        return torch.ones_like(top_1R1), log_q_R1[None]

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return those with respect to the probabilities, (A, B), and to the log-table, (A, M)."""
        of_probability_AB = self.log_q_BA.T * (LN_2 / len(self.log_q_BA))
        return of_probability_AB, self.sums_AM * self.table_AM
