"""E log q of many sets of normal variables, with its gradient, in one sweep over the samples.

All sets are reduced a few samples at a time, and their gradients with them, so that no tensor of
all pairs of samples and encodings is kept for autograd: memory grows with B + M, not with B M V.
The plain form, which this equals, is ``estimates.plain_marginals``.

Shapes: B samples, M encodings, C encodings that have a gradient and that single variables are
estimated from (the first ones), K = M - C others, V normal variables, S sets of variables, L layers
of sets that share no variable, A atoms (see ``aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from runner.objective.aggregate_posterior import NormalSamples
from runner.objective.encoding_weights import EncodingWeights
from runner.objective.sweep_sets import Atoms, Quadratic, SetFound, Variables, sweep_set
from runner.objective.sweep_singles import sweep_singles


@dataclass(frozen=True)
class SweepRequest:
    """Which sets are wanted; hashable."""

    singles: bool
    """Whether E log q(z_v) of every normal variable is wanted; they come first."""
    sets: tuple[Variables, ...]
    """Sets of normal variables, by their numbers among the normal ones."""
    with_atoms: tuple[bool, ...]
    """For each set, whether there are enumerated variables in it."""
    first: int
    """Sample i owns encoding ``first + i``."""
    with_gradient: bool


def swept_marginals(
    normals: NormalSamples,
    weights: EncodingWeights,
    request: SweepRequest,
    atoms_AB: Tensor,
    tables: Sequence[Tensor],
) -> Tensor:
    """Return E log q of every normal variable, if wanted, and of every set, (S,), in nats.

    ``tables`` are log q(k|x_j) of the atoms, (A, M), one for each set with enumerated variables;
    E log q of such a set is the exact sum over the atoms, whose probabilities are ``atoms_AB``.

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


class _Sweep(torch.autograd.Function):
    """The means of all sets; beside them, as constants, their gradients."""

    @staticmethod
    def forward(request: SweepRequest, *given: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the means (S,) and, if wanted, their gradients."""
        z_BV, loc_CV, log_scale_CV, _, _, own, others_C, *_ = given
        gradients = _Gradients(request, z_BV, loc_CV)
        means: list[Tensor] = []
        if request.singles:
            singles = EncodingWeights(own, others_C, request.first)
            mean_V, *parts = sweep_singles(
                z_BV, loc_CV, log_scale_CV, singles, with_gradient=request.with_gradient
            )
            means.append(mean_V)
            gradients.put(0, slice(None), parts)
        found = _sweep_sets(request, given)
        if found:
            means.append(torch.stack([each.mean for each in found]).to(z_BV.dtype))
        if not request.with_gradient:
            return (torch.cat(means),)
        for s, each in enumerate(found):
            gradients.put_set(s, each)
        return torch.cat(means), *gradients.layered, *gradients.of_atoms

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the gradients."""
        ctx.request = inputs[0]
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # noqa: FBT003 - torch's signature
        ctx.save_for_backward(*output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean_S: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the kept gradients, each times the weight of its set, summed over the sets."""
        request, (z_LBV, loc_LCV, log_scale_LCV, *of_atoms) = ctx.request, ctx.saved_tensors
        none: tuple[None, ...] = (None,) * 6
        if of_mean_S is None:
            return (None,) * (11 + len(of_atoms) // 2)
        weights_L1V = _weights_of_layers(request, z_LBV.shape[2], of_mean_S)
        layered = [(t * weights_L1V).sum(0) for t in (z_LBV, loc_LCV, log_scale_LCV)]
        of_sets = of_mean_S[z_LBV.shape[2] * request.singles :].unbind()
        mixed = [w for w, has in zip(of_sets, request.with_atoms, strict=True) if has]
        probabilities, tables = (
            [w * t for w, t in zip(mixed, of_atoms[k::2], strict=True)] for k in (0, 1)
        )
        probability_AB = torch.stack(probabilities).sum(0) if mixed else None
        return None, *layered, *none, probability_AB, *tables

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], request: SweepRequest, *given: Tensor
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


def _sweep_sets(request: SweepRequest, given: Sequence[Tensor]) -> list[SetFound]:
    """Return what is found of every set, given the tensors of :func:`swept_marginals`."""
    z_BV, loc_CV, log_scale_CV, bank_loc_KV, bank_log_scale_KV, _, _ = given[:7]
    own, others_M, atoms_AB, *tables = given[7:]
    if not request.sets:
        return []
    loc_MV = torch.cat([loc_CV, bank_loc_KV])
    log_scale_MV = torch.cat([log_scale_CV, bank_log_scale_KV])
    quadratic = Quadratic(z_BV, loc_MV, log_scale_MV, len(loc_CV))
    weights = EncodingWeights(own, others_M, request.first)
    left = iter(tables)
    return [
        sweep_set(
            quadratic,
            variables,
            weights,
            Atoms(atoms_AB, next(left)) if has_atoms else None,
            with_gradient=request.with_gradient,
        )
        for variables, has_atoms in zip(request.sets, request.with_atoms, strict=True)
    ]


class _Gradients:
    """The gradients of all means; those of a layer of sets are one tensor for each input."""

    def __init__(self, request: SweepRequest, z_BV: Tensor, loc_CV: Tensor) -> None:
        self.request = request
        self.layered: tuple[Tensor, ...] = ()
        self.of_atoms: list[Tensor] = []
        if request.with_gradient:
            self.places = _layers(request, z_BV.shape[1])
            layers = len(self.places)
            self.layered = tuple(t.new_zeros(layers, *t.shape) for t in (z_BV, loc_CV, loc_CV))

    def put(self, layer: int, which: slice | list[int], parts: Sequence[Tensor]) -> None:
        """Put the gradients of some variables, with respect to samples, means and log-scales."""
        for layered, part in zip(self.layered, parts, strict=False):
            layered[layer][:, which] = part.to(layered.dtype)

    def put_set(self, s: int, found: SetFound) -> None:
        """Put the gradients of a set, and keep those of its atoms."""
        variables = self.request.sets[s]
        index = s + self.layered[0].shape[2] * self.request.singles
        layer = next(i for i, row in enumerate(self.places) if row[variables[0]] == index)
        first, last = variables[0], variables[-1] + 1
        which = slice(first, last) if last - first == len(variables) else list(variables)
        self.put(layer, which, found.normals or ())
        for gradient in found.atoms or ():
            self.of_atoms.append(gradient.to(self.layered[0].dtype))


@lru_cache(maxsize=256)
def _layers(request: SweepRequest, variables: int) -> list[list[int | None]]:
    """Return layers of sets that share no variable: for each variable, the number of its set."""
    layers = [list[int | None](range(variables))] if request.singles else []
    for index, part in enumerate(request.sets, start=variables * request.singles):
        free = (layer for layer in layers if all(layer[v] is None for v in part))
        layer = next(free, None)
        if layer is None:
            layers.append(layer := [None] * variables)
        for v in part:
            layer[v] = index
    return layers


def _weights_of_layers(request: SweepRequest, variables: int, weight_S: Tensor) -> Tensor:
    """Return the weight of each variable's set in every layer, (L, 1, V); zero where there is none."""
    zero = weight_S.new_zeros(())
    # By views, since an index would make a GPU wait for the CPU.
    rows = [
        torch.cat(
            [
                (zero if index is None else weight_S[index]).expand(len(list(run)))
                for index, run in groupby(layer)
            ]
        )
        for layer in _layers(request, variables)
    ]
    return torch.stack(rows)[:, None]
