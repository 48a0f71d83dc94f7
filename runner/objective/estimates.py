"""E log q of the sets of variables that the terms are made of.

``plain_marginals`` is the definition: it forms tensors of all pairs of samples and encodings.
``log_marginals`` takes the sweep of ``normal_sweep`` instead where all sampled variables are
normal, with the same values and gradients.

Shapes: B samples, M encodings, C those that single variables are estimated from, V variables,
S sets, A atoms (see ``aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import (
    LogDensities,
    NormalSamples,
    log_aggregate_posterior,
    log_enumerated_posterior,
)
from runner.objective.encoding_weights import EncodingWeights
from runner.objective.normal_sweep import Family, SweepRequest, swept_marginals

Variables = tuple[int, ...]


@dataclass(frozen=True)
class Means:
    """Expectations of some sets of variables, single ones among them."""

    sets: tuple[Variables, ...]
    values_S: Tensor


def log_marginals(
    densities: LogDensities,
    weights: EncodingWeights | Tensor,
    wanted: Iterable[Variables],
    *,
    plain: bool,
) -> Means:
    """Return E log q of the wanted sets of variables, in nats.

    ``weights`` as a tensor of all pairs, (B, M), serve for all sets alike and ask for the plain
    form, as ``plain`` does.
    """
    if plain or isinstance(weights, Tensor) or densities.normals is None:
        return plain_marginals(densities, weights, wanted)
    return _swept(densities, densities.normals, weights, wanted)


def plain_marginals(
    densities: LogDensities, weights: EncodingWeights | Tensor, wanted: Iterable[Variables]
) -> Means:
    """Return E log q of the wanted sets, in nats, from tensors of all pairs.

    All sets of sampled variables are reduced in one call, and so are all single ones.
    """
    log_weights_BM, log_weights_BC = _dense(weights, densities.atoms_AB.shape[1])
    encodings, enumerated = log_weights_BC.shape[1], len(densities.enumerated_VAM)
    singles, several = _parted(wanted)
    found = _Found()
    if singles and singles[-1] >= enumerated:
        pairs_VBC = densities.sampled_VBM[:, :, :encodings]
        mean_V = log_aggregate_posterior(pairs_VBC, log_weights_BC).mean(1)
        found.add([(v,) for v in densities.tree.variables[enumerated:]], mean_V)
    plain = [part for part in several if part[0] >= enumerated and densities.sets is None]
    if plain:
        pairs_SBM = torch.stack([_sampled(densities, part) for part in plain])
        found.add(plain, log_aggregate_posterior(pairs_SBM, log_weights_BM).mean(1))
    for v in singles:
        if v < enumerated:
            table_AC = densities.enumerated_VAM[v, :, :encodings]
            log_q_AB = log_enumerated_posterior(table_AC, log_weights_BC)
            found.add_one((v,), over_atoms(densities, log_q_AB))
    for part in several:
        if part not in plain:
            log_q_AB = _log_mixed(densities, part, log_weights_BM)
            found.add_one(part, over_atoms(densities, log_q_AB))
    return found.means(densities)


class _Found:
    """Expectations as they are found."""

    def __init__(self) -> None:
        self._sets: list[Variables] = []
        self._parts: list[Tensor] = []

    def add(self, sets: Sequence[Variables], mean_S: Tensor) -> None:
        self._sets += sets
        self._parts.append(mean_S)

    def add_one(self, variables: Variables, mean: Tensor) -> None:
        self.add([variables], mean[None])

    def means(self, densities: LogDensities) -> Means:
        """Return them all."""
        none = [] if self._parts else [densities.own_sampled_VB.new_zeros(0)]
        parts = [*self._parts, *none]
        return Means(tuple(self._sets), parts[0] if len(parts) == 1 else torch.cat(parts))


def over_atoms(densities: LogDensities, values_AB: Tensor) -> Tensor:
    """Return the mean over samples of the expectation over atoms, a scalar."""
    return (densities.atoms_AB * values_AB).sum(0).mean()


def _parted(wanted: Iterable[Variables]) -> tuple[list[int], list[Variables]]:
    """Return the single variables, ascending, and the sets of several."""
    ordered = sorted(wanted)
    return [p[0] for p in ordered if len(p) == 1], [p for p in ordered if len(p) > 1]


def _dense(weights: EncodingWeights | Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """Return the log-weights of all pairs: of all encodings, and of those of single variables."""
    if isinstance(weights, Tensor):
        return weights, weights
    every_BM = weights.dense(samples)
    return every_BM, weights.of_singles.dense(samples) if weights.of_singles else every_BM


def _log_mixed(densities: LogDensities, variables: Variables, log_weights_BM: Tensor) -> Tensor:
    """Return log q of variables together that are not all independent given x, (A or 1, B)."""
    enumerated = len(densities.enumerated_VAM)
    if densities.sets is not None and variables[-1] >= enumerated:
        log_pairs_ABM = densities.sets.log_pairs(variables)
        return log_aggregate_posterior(log_pairs_ABM, log_weights_BM)
    log_qk_x_AM = _table(densities, variables)
    if variables[-1] < enumerated:
        return log_enumerated_posterior(log_qk_x_AM, log_weights_BM)
    log_qz_x_BM = _sampled(densities, [v for v in variables if v >= enumerated])
    return log_enumerated_posterior(log_qk_x_AM, log_qz_x_BM + log_weights_BM)


def _table(densities: LogDensities, variables: Variables) -> Tensor:
    """Return log q(k|x_j) of the enumerated ones of some variables, (A, M)."""
    enumerated = len(densities.enumerated_VAM)
    return torch.stack([densities.enumerated_VAM[v] for v in variables if v < enumerated]).sum(0)


def _sampled(densities: LogDensities, variables: Sequence[int]) -> Tensor:
    """Return log q(z|x_j) of several sampled variables together, (B, M)."""
    first, last = variables[0], variables[-1] + 1
    enumerated = len(densities.enumerated_VAM)
    if last - first == len(variables):  # neighbours: a view, not a copy
        return densities.sampled_VBM[first - enumerated : last - enumerated].sum(0)
    return densities.sampled_VBM[[v - enumerated for v in variables]].sum(0)


def _swept(
    densities: LogDensities,
    normals: NormalSamples,
    weights: EncodingWeights,
    wanted: Iterable[Variables],
) -> Means:
    """Return E log q of the wanted sets by a sweep, in nats."""
    enumerated = len(densities.enumerated_VAM)
    singles, several = _parted(wanted)
    of_singles = weights.of_singles or weights
    order, families = _families([p for p in several if p[-1] >= enumerated], enumerated)
    request = SweepRequest(
        bool(singles) and singles[-1] >= enumerated,
        families,
        weights.first,
        torch.is_grad_enabled(),
    )
    found = _Found()
    if request.singles or order:
        tables = [_table(densities, part) for part in order if part[0] < enumerated]
        mean_S = swept_marginals(normals, weights, request, densities.atoms_AB, tables)
        sampled = [(v,) for v in densities.tree.variables[enumerated:]]
        found.add([*(sampled if request.singles else []), *order], mean_S)
    for part in [(v,) for v in singles] + several:
        if part[-1] < enumerated:
            table_AM = _table(densities, part)
            of_set = of_singles if len(part) == 1 else weights
            log_q_AB = log_table_posterior(table_AM, of_set, densities.atoms_AB.shape[1])
            found.add_one(part, over_atoms(densities, log_q_AB))
    return found.means(densities)


def _families(
    sets: Sequence[Variables], enumerated: int
) -> tuple[list[Variables], tuple[Family, ...]]:
    """Return sets in the order of their families: those of equal size, each with atoms alone."""
    order = sorted(sets, key=lambda part: (part[0] < enumerated, len(part), part))
    normal = [tuple(v - enumerated for v in part if v >= enumerated) for part in order]
    return order, Family.of([(n, p[0] < enumerated) for n, p in zip(normal, order, strict=True)])


def log_table_posterior(log_qk_x_AM: Tensor, weights: EncodingWeights, samples: int) -> Tensor:
    """Return log sum_j w_ij q(k|x_j) of every atom and sample, (A, B).

    The sum is the same for all samples but for their own encoding. It is formed in float64, where
    what the own one replaces can be subtracted. Shapes: the first encodings of (A, M) are used.
    """
    first = weights.first
    table_AM = log_qk_x_AM[:, : len(weights.others_M)].double().exp()
    others_M = weights.others_M.double().exp()
    own_B = weights.own.double().exp() - others_M[first : first + samples]
    sum_AB = (table_AM @ others_M)[:, None] + table_AM[:, first : first + samples] * own_B
    tiny = torch.finfo(log_qk_x_AM.dtype).tiny
    return sum_AB.clamp_min(tiny).log().to(log_qk_x_AM.dtype)
