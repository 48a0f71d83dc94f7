"""E log q of sets of few normal variables by differences, with its gradient.

log2 N(z_v; loc_v, scale_v) is a constant less the square of a difference, which is formed before it
is scaled, so float32 keeps its digits however large |z| / scale is. Everything is computed some
samples at a time, in the samples' type. Exponents are to base 2: its exponential takes a processor
a third of the time.

Shapes: B samples, R samples of a chunk, M encodings, C of them (the first) with a gradient, V
normal variables, S sets of X variables each, Y = S X.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.objective.encoding_weights import EncodingWeights

LOG2_E = math.log2(math.e)
LN_2 = math.log(2)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LEAST_EXPONENT = -100.0
"""Of a power relative to the largest: smaller ones would be denormal numbers, which are slow."""

_CACHED = 2**19
"""Entries of a tensor of a chunk: 2 MiB of float32, so that a few stay in a CPU's cache."""
_ON_A_GPU = 2**26
"""The same on another device: 256 MiB of float32, since each chunk costs the same launches."""

Variables = tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """Samples, encodings and their weights; the first encodings have a gradient."""

    z_VB: Tensor
    loc_VM: Tensor
    log_scale_VM: Tensor
    weights: EncodingWeights
    learned: int

    @property
    def samples(self) -> int:
        """B, their number."""
        return self.z_VB.shape[1]

    def rows(self, entries: int) -> list[slice]:
        """Return the samples in chunks, if a tensor has so many entries for each sample."""
        most = _CACHED if self.z_VB.device.type == "cpu" else _ON_A_GPU
        size = max(1, min(self.samples, most // max(1, entries)))
        return [slice(i, min(i + size, self.samples)) for i in range(0, self.samples, size)]


@dataclass(frozen=True)
class SetsFound:
    """E log q of sets of equal size, in nats, and its gradients, where they were wanted."""

    mean_S: Tensor
    normals: tuple[Tensor, ...] = ()
    """With respect to samples (B, Y), means and log-scales (C, Y)."""
    atoms: tuple[Tensor, ...] = ()
    """With respect to the probabilities, (A, B), and the log-table, (A, M)."""


def columns(variables: Sequence[int]) -> slice | list[int]:
    """Return an index of some variables: a slice, which copies nothing, if they are neighbours."""
    first, last = variables[0], variables[-1] + 1
    return slice(first, last) if list(variables) == list(range(first, last)) else list(variables)


def sweep_few(pairs: Pairs, sets: Sequence[Variables], *, with_gradient: bool) -> SetsFound:
    """Return E log q of sets of as many variables each, at best of few."""
    entries = pairs.loc_VM.shape[1] * sum(len(part) for part in sets)
    if not with_gradient and len(sets) > 1 and entries > _CACHED:  # a sample of all has no room
        parts = [sweep_few(pairs, [part], with_gradient=False).mean_S for part in sets]
        return SetsFound(torch.cat(parts))
    sweep = _Differences(pairs, sets)
    moments = _Moments(sweep) if with_gradient else None
    log_q_SB1 = pairs.z_VB.new_empty(len(sets), pairs.samples, 1)
    chunks = pairs.rows(sweep.loc_SXM.numel())
    buffers = [sweep.loc_SXM.new_empty(sweep.loc_SXM.numel() * chunks[0].stop) for _ in range(2)]
    for part in chunks:
        standard_SXRM, log_SRM, spare = sweep.logarithms(part, buffers)
        top_SR1 = log_SRM.amax(2, keepdim=True)
        log_SRM.sub_(top_SR1).clamp_min_(LEAST_EXPONENT)
        sum_SR1 = log_SRM.exp2_().sum(2, keepdim=True)
        log_q_SB1[:, part] = sum_SR1.log2() + top_SR1
        if moments:
            share_SRM = log_SRM.mul_(1 / (sum_SR1 * pairs.samples))
            moments.add(part, share_SRM, standard_SXRM, spare)
    mean_S = log_q_SB1.mean((1, 2)) * LN_2
    return SetsFound(mean_S, moments.gradients() if moments else ())


class _Differences:
    """The exponents of some sets: log2 w_ij q(z_i|x_j), some samples at a time."""

    def __init__(self, pairs: Pairs, sets: Sequence[Variables]) -> None:
        which = columns([v for part in sets for v in part])
        self.z_SXB, self.loc_SXM, log_scale_SXM = (
            t[which].unflatten(0, (len(sets), -1))
            for t in (pairs.z_VB, pairs.loc_VM, pairs.log_scale_VM)
        )
        self.root_SXM = (-LOG2_E * log_scale_SXM).exp2_().mul_(math.sqrt(0.5 * LOG2_E))
        constant_SXM = (log_scale_SXM + HALF_LOG_2PI).mul_(-LOG2_E)
        weight_M = pairs.weights.others_M * LOG2_E
        self.constant_S1M = constant_SXM.sum(1, keepdim=True) + weight_M
        self.own_B = pairs.weights.correction_B(pairs.samples) * LOG2_E
        self.first, self.learned = pairs.weights.first, pairs.learned

    def logarithms(self, part: slice, buffers: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return standardised differences, (S, X, R, M), and exponents, (S, R, M).

        The exponents are the first part of the third result, whose rest may be overwritten.
        """
        z_SXR1 = self.z_SXB[:, :, part, None]
        shape = (*z_SXR1.shape[:3], self.loc_SXM.shape[2])
        standard_SXRM, other_SXRM = (t[: math.prod(shape)].view(shape) for t in buffers)
        torch.sub(z_SXR1, self.loc_SXM[:, :, None], out=standard_SXRM)
        standard_SXRM.mul_(self.root_SXM[:, :, None])
        log_SRM = other_SXRM[:, 0]
        first_SRM = standard_SXRM[:, 0]
        torch.addcmul(self.constant_S1M, first_SRM, first_SRM, value=-1, out=log_SRM)
        for each_SRM in standard_SXRM.unbind(1)[1:]:
            log_SRM.addcmul_(each_SRM, each_SRM, value=-1)
        log_SRM.diagonal(self.first + part.start, 1, 2).add_(self.own_B[part])
        return standard_SXRM, log_SRM, other_SXRM


class _Moments:
    """Sums of responsibilities, times powers of the standardised differences."""

    def __init__(self, sweep: _Differences) -> None:
        self.root_SXM, self.learned = sweep.root_SXM, sweep.learned
        self.rows_SXB = torch.empty_like(sweep.z_SXB)
        shape = (*self.root_SXM.shape[:2], self.learned)
        self.zeroth_S1C = self.root_SXM.new_zeros(shape[0], 1, shape[2])
        self.first_SXC, self.second_SXC = self.root_SXM.new_zeros(2, *shape)

    def add(
        self, part: slice, share_SRM: Tensor, standard_SXRM: Tensor, spare_SXRM: Tensor
    ) -> None:
        """Add those of some samples; all three tensors are overwritten."""
        self.zeroth_S1C += share_SRM[:, :, : self.learned].sum(1, keepdim=True)
        for x, each_SRM in enumerate(standard_SXRM.unbind(1)):
            is_last = x + 1 == standard_SXRM.shape[1]
            out_SRM = share_SRM if is_last else spare_SXRM[:, 1]
            torch.mul(share_SRM, each_SRM, out=out_SRM)
            self.rows_SXB[:, x, part] = torch.linalg.vecdot(out_SRM, self.root_SXM[:, x, None])
            first_SRC, each_SRC = (t[:, :, : self.learned] for t in (out_SRM, each_SRM))
            self.first_SXC[:, x] += first_SRC.sum(1)
            self.second_SXC[:, x] += each_SRC.mul_(first_SRC).sum(1)

    def gradients(self) -> tuple[Tensor, ...]:
        """Return those with respect to samples, means and log-scales."""
        slope = 2 * LN_2
        root_SXC = self.root_SXM[:, :, : self.learned]
        found = (
            self.rows_SXB.mul_(-slope),
            self.first_SXC.mul_(slope).mul_(root_SXC),
            self.second_SXC.mul_(slope).sub_(self.zeroth_S1C),
        )
        return tuple(t.flatten(0, 1).T for t in found)
