"""E log q of many sets of normal variables, with its gradient, in one sweep over the samples.

All sets are reduced a few samples at a time, and their gradients with them, so that no tensor of
all pairs of samples and encodings is kept for autograd: memory grows with B + M, not with B M V.
The plain form, which this equals, is ``estimates.plain_marginals``.

Shapes: B samples, M encodings, C encodings that have a gradient and that single variables are
estimated from (the first ones), K = M - C others, V normal variables, S sets of variables, Y
variables of some sets one after the other, A atoms (see ``aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from runner.objective.aggregate_posterior import NormalSamples
from runner.objective.encoding_weights import EncodingWeights
from runner.objective.sweep_few import Pairs, SetsFound, Variables, columns, sweep_few
from runner.objective.sweep_many import Atoms, Quadratic, sweep_many

_FEW = 4
"""Up to so many variables, the densities of a set are formed by differences, faster than by
products of matrices in float64."""


@dataclass(frozen=True)
class Family:
    """Sets of as many normal variables each, reduced in one call; a large one is alone."""

    sets: tuple[Variables, ...]
    with_atoms: bool = False
    """Whether enumerated variables belong to the set, which is then alone."""

    @classmethod
    def of(cls, sets: Sequence[tuple[Variables, bool]]) -> tuple[Family, ...]:
        """Return the families of sets, each with whether it has atoms, that are ordered by size."""
        families: list[Family] = []
        for part, with_atoms in sets:
            family = Family((part,), with_atoms)
            last = families[-1] if families else family
            if families and not family.is_large and len(last.sets[0]) == len(part):
                families[-1] = Family((*last.sets, part))
            else:
                families.append(family)
        return tuple(families)

    @property
    def is_large(self) -> bool:
        """Whether it is a set that is reduced by products of matrices."""
        return self.with_atoms or len(self.sets[0]) > _FEW

    @property
    def variables(self) -> list[int]:
        """The variables of all sets, one after the other."""
        return [v for part in self.sets for v in part]


@dataclass(frozen=True)
class SweepRequest:
    """What is wanted."""

    singles: bool
    """Whether E log q(z_v) of every normal variable is wanted; they come first."""
    sets: tuple[Family, ...]
    """Sets of several normal variables, or of some and atoms, by their numbers among the normal
    variables."""
    first: int
    """Sample i owns encoding ``first + i``."""
    with_gradient: bool

    def families(self, variables: int) -> list[Family]:
        """Return all families, the single variables first, in the order of the results."""
        singles = [Family(tuple((v,) for v in range(variables)))] if self.singles else []
        return [*singles, *self.sets]


def can_sweep(like: Tensor) -> bool:
    """Return whether this device can sweep, and whether that is best.

    Apple's GPUs lack float64, and a compiler fuses the plain form by itself.
    """
    return like.device.type != "mps" and not torch.compiler.is_compiling()


def swept_marginals(
    normals: NormalSamples,
    weights: EncodingWeights,
    request: SweepRequest,
    atoms_AB: Tensor,
    tables: Sequence[Tensor],
) -> Tensor:
    """Return E log q of every normal variable, if wanted, and of every set, (S,), in nats.

    The order is that of the families. ``tables`` are log q(k|x_j) of the atoms, (A, M), one for
    each set with enumerated variables; E log q of such a set is the exact sum over the atoms, whose
    probabilities are ``atoms_AB``.

    Differentiable once, in the samples, the first C encodings, the atoms' probabilities and the
    tables. Under ``torch.func.vmap`` the runs are swept one after the other.
    """
    singles = weights.of_singles or weights
    learned = len(singles.others_M)
    loc_MV, log_scale_MV = normals.loc_MV, normals.log_scale_MV
    return _Sweep.apply(
        request, normals.z_BV, loc_MV[:learned], log_scale_MV[:learned],
        loc_MV[learned:].detach(), log_scale_MV[learned:].detach(),
        singles.own, singles.others_M, weights.own, weights.others_M, atoms_AB, *tables,
    )[0]  # fmt: skip


class _Context(Protocol):
    """What torch keeps between the passes, and what is put there."""

    request: SweepRequest
    inputs: int
    variables: int
    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...
    def mark_non_differentiable(self, *tensors: Tensor) -> None: ...
    def set_materialize_grads(self, value: bool) -> None: ...  # noqa: FBT001 - torch's signature


class _Runs(Protocol):
    """What torch says of the runs that ``vmap`` stacks."""

    batch_size: int


class _Sweep(torch.autograd.Function):
    """The means of all sets, family by family; beside them, as constants, their gradients."""

    @staticmethod
    def forward(request: SweepRequest, *given: Tensor) -> tuple[Tensor, ...]:
        """Return the means (S,) and, if wanted, the gradients of each family, then of the atoms."""
        found = _sweep_families(request, given)
        dtype = given[0].dtype
        normals = [t.to(dtype) for each in found for t in each.normals]
        atoms = [t.to(dtype) for each in found for t in each.atoms]
        return torch.cat([each.mean_S.to(dtype) for each in found]), *normals, *atoms

    @staticmethod
    def setup_context(
        ctx: _Context, inputs: tuple[SweepRequest, *tuple[Tensor, ...]], output: tuple[Tensor, ...]
    ) -> None:
        """Keep the gradients."""
        request, z_BV, *_ = inputs
        ctx.request, ctx.inputs, ctx.variables = request, len(inputs), z_BV.shape[1]
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*output[1:])

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: _Context, of_mean_S: Tensor | None, *_: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Return the kept gradients, each times the weight of its set, summed over the sets."""
        if of_mean_S is None:
            return (None,) * ctx.inputs
        families = ctx.request.families(ctx.variables)
        kept: tuple[Tensor, ...] = ctx.saved_tensors
        normals, atoms = kept[: 3 * len(families)], kept[3 * len(families) :]
        of_families = of_mean_S.split([len(family.sets) for family in families])
        weights = [
            w_S.repeat_interleave(len(family.sets[0]))
            for w_S, family in zip(of_families, families, strict=True)
        ]
        which = [columns(family.variables) for family in families]
        total = [_combined(normals[i::3], weights, which, ctx.variables) for i in range(3)]
        mixed = [w for w, f in zip(of_families, families, strict=True) if f.with_atoms]
        probabilities, tables = (
            [w * t for w, t in zip(mixed, atoms[i::2], strict=True)] for i in range(2)
        )
        none: list[None] = [None] * 6
        of_atoms = torch.stack(probabilities).sum(0) if mixed else None
        return None, *total, *none, of_atoms, *tables

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: _Runs, in_dims: tuple[int | None, ...], request: SweepRequest, *given: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Sweep the runs one after the other."""
        runs = [
            _Sweep.apply(
                request,
                *(
                    tensor if dim is None else tensor.select(dim, run)
                    for tensor, dim in zip(given, in_dims[1:], strict=True)
                ),
            )
            for run in range(info.batch_size)
        ]
        stacked = tuple(torch.stack(each) for each in zip(*runs, strict=True))
        return stacked, (0,) * len(stacked)


def _combined(
    parts_RY: Sequence[Tensor],
    weights_Y: Sequence[Tensor],
    which: Sequence[slice | list[int]],
    variables: int,
) -> Tensor:
    """Return the weighted sum of the families' gradients, each at its variables, (R, V)."""
    total_RV = parts_RY[0].new_zeros(len(parts_RY[0]), variables)
    for part_RY, weight_Y, index in zip(parts_RY, weights_Y, which, strict=True):
        total_RV[:, index] += part_RY * weight_Y
    return total_RV


def _sweep_families(request: SweepRequest, given: Sequence[Tensor]) -> list[SetsFound]:
    """Return what is found of each family of sets, given the tensors of :func:`swept_marginals`."""
    every, minibatch = _pairs(request, given)
    families = request.families(len(every.z_VB))
    quadratic = Quadratic(every) if any(family.is_large for family in families) else None
    atoms_AB, tables = given[9], iter(given[10:])
    found: list[SetsFound] = []
    for family in families:
        if quadratic and family.is_large:
            atoms = Atoms(atoms_AB, next(tables)) if family.with_atoms else None
            (part,) = family.sets
            each = sweep_many(quadratic, part, atoms, with_gradient=request.with_gradient)
        else:
            pairs = minibatch if len(family.sets[0]) == 1 else every
            each = sweep_few(pairs, family.sets, with_gradient=request.with_gradient)
        found.append(each)
    return found


def _pairs(request: SweepRequest, given: Sequence[Tensor]) -> tuple[Pairs, Pairs]:
    """Return samples with all encodings, and with those that single variables are estimated from.

    ``given`` are the tensors of :func:`swept_marginals`.
    """
    z_BV, loc_CV, log_scale_CV, bank_loc_KV, bank_log_scale_KV = given[:5]
    own_of_singles, others_C, own, others_M = given[5:9]
    z_VB, loc_VC, log_scale_VC = (t.T.contiguous() for t in (z_BV, loc_CV, log_scale_CV))
    singles = EncodingWeights(own_of_singles, others_C, request.first)
    minibatch = Pairs(z_VB, loc_VC, log_scale_VC, singles, len(loc_CV))
    if not len(bank_loc_KV):
        return replace(minibatch, weights=EncodingWeights(own, others_M, request.first)), minibatch
    loc_VM = torch.cat([loc_VC, bank_loc_KV.T], 1)
    log_scale_VM = torch.cat([log_scale_VC, bank_log_scale_KV.T], 1)
    weights = EncodingWeights(own, others_M, request.first)
    return Pairs(z_VB, loc_VM, log_scale_VM, weights, len(loc_CV)), minibatch
