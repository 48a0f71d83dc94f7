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
    """An expectation of every variable by itself, and of sets of several; zero if not wanted."""

    of_singles_V: Tensor
    of_sets: dict[Variables, Tensor]
    """Scalars."""

    def total(self, sets: Sequence[Variables]) -> Tensor:
        """Return the sum over some sets, a scalar."""
        singles = [v for part in sets if len(part) == 1 for v in part]
        found = [self.of_sets[part] for part in sets if part in self.of_sets]
        first, last = min(singles, default=0), max(singles, default=-1) + 1
        if singles and last - first == len(singles):  # neighbours: one sum
            found.append(self.of_singles_V[first:last].sum())
        else:
            found += [self.of_singles_V[v] for v in singles]
        if len(found) > 1:
            return torch.stack(found).sum()
        return found[0] if found else self.of_singles_V.new_zeros(())

    def each(self, sets: Sequence[Variables]) -> Tensor:
        """Return the expectation of each set, (S,)."""
        if list(sets) == [(v,) for v in range(len(sets))]:
            return self.of_singles_V[: len(sets)]
        return torch.stack([self.total([part]) for part in sets])

    def sums(self, sets: Sequence[Variables]) -> Tensor:
        """Return the sum over the variables of each set, (S,)."""
        if list(sets) == [(v,) for v in range(len(sets))]:
            return self.of_singles_V[: len(sets)]
        return torch.stack([self.total([(v,) for v in part]) for part in sets])


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
    sampled_V = densities.own_sampled_VB.new_zeros(len(densities.own_sampled_VB))
    if singles and singles[-1] >= enumerated:
        pairs_VBC = densities.sampled_VBM[:, :, :encodings]
        sampled_V = log_aggregate_posterior(pairs_VBC, log_weights_BC).mean(1)
    tables = {v: densities.enumerated_VAM[v, :, :encodings] for v in singles if v < enumerated}
    exact = {v: log_enumerated_posterior(t, log_weights_BC) for v, t in tables.items()}
    plain = [part for part in several if part[0] >= enumerated]
    found: dict[Variables, Tensor] = {}
    if plain:
        pairs_SBM = torch.stack([_sampled(densities, part) for part in plain])
        mean_S = log_aggregate_posterior(pairs_SBM, log_weights_BM).mean(1)
        found |= dict(zip(plain, mean_S.unbind(), strict=True))
    for part in [part for part in several if part not in found]:
        log_q_AB = _log_mixed(densities, part, log_weights_BM)
        found[part] = over_atoms(densities, log_q_AB)
    return Means(_with_exact(densities, exact, sampled_V), found)


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


def _with_exact(densities: LogDensities, exact: dict[int, Tensor], sampled_V: Tensor) -> Tensor:
    """Return E log q of every single variable, (V,): the enumerated ones, then the sampled."""
    if not len(densities.enumerated_VAM):
        return sampled_V
    zero = sampled_V.new_zeros(())
    means = [
        over_atoms(densities, exact[v]) if v in exact else zero
        for v in range(len(densities.enumerated_VAM))
    ]
    return torch.cat([torch.stack(means), sampled_V])


def _log_mixed(densities: LogDensities, variables: Variables, log_weights_BM: Tensor) -> Tensor:
    """Return log q of variables some of which are enumerated, (A, B)."""
    enumerated = len(densities.enumerated_VAM)
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
    exact = {
        v: _log_table_posterior(densities, densities.enumerated_VAM[v], of_singles)
        for v in singles if v < enumerated
    }  # fmt: skip
    found = {
        part: over_atoms(
            densities, _log_table_posterior(densities, _table(densities, part), weights)
        )
        for part in several if part[-1] < enumerated
    }  # fmt: skip
    order, families = _families([p for p in several if p[-1] >= enumerated], enumerated)
    request = SweepRequest(
        bool(singles) and singles[-1] >= enumerated,
        families,
        weights.first,
        torch.is_grad_enabled(),
    )
    sampled_V = normals.z_BV.new_zeros(normals.z_BV.shape[1])
    if request.singles or order:
        tables = [_table(densities, part) for part in order if part[0] < enumerated]
        mean_S = swept_marginals(normals, weights, request, densities.atoms_AB, tables)
        if request.singles:
            sampled_V, mean_S = mean_S.split([len(sampled_V), len(order)])
        found |= dict(zip(order, mean_S.unbind(), strict=True))
    return Means(_with_exact(densities, exact, sampled_V), found)


def _families(
    sets: Sequence[Variables], enumerated: int
) -> tuple[list[Variables], tuple[Family, ...]]:
    """Return sets in the order of their families: those of equal size, each with atoms alone."""
    order = sorted(sets, key=lambda part: (part[0] < enumerated, len(part), part))
    normal = [tuple(v - enumerated for v in part if v >= enumerated) for part in order]
    return order, Family.of([(n, p[0] < enumerated) for n, p in zip(normal, order, strict=True)])


def _log_table_posterior(
    densities: LogDensities, log_qk_x_AM: Tensor, weights: EncodingWeights
) -> Tensor:
    """Return log sum_j w_ij q(k|x_j) of every atom and sample, (A, B).

    The sum is the same for all samples but for their own encoding. It is formed in float64, where
    what the own one replaces can be subtracted. Shapes: the first encodings of (A, M) are used.
    """
    samples, first = densities.atoms_AB.shape[1], weights.first
    table_AM = log_qk_x_AM[:, : len(weights.others_M)].double().exp()
    others_M = weights.others_M.double().exp()
    own_B = weights.own.double().exp() - others_M[first : first + samples]
    sum_AB = (table_AM @ others_M)[:, None] + table_AM[:, first : first + samples] * own_B
    tiny = torch.finfo(log_qk_x_AM.dtype).tiny
    return sum_AB.clamp_min(tiny).log().to(log_qk_x_AM.dtype)
