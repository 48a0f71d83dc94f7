"""Information against the aggregate posterior of a large fixed set of encodings.

Shapes: M encodings, B rows of a chunk, V variables, G groups or other sets of variables, F factors,
S values of a factor, W widenings, A atoms (see ``objective.aggregate_posterior``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from runner.dataset import Factor
from runner.evaluation.averages import Averages, WithErrors, named, standard_error
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities
from runner.evaluation.row_chunks import affordable, densities_in, row_chunks
from runner.objective import TERM_NAMES, LogDensities, can_sweep, decompose

_FACTOR_SAMPLES = 2000
"""Samples behind an I(factor; z_s): their mean has a standard error of about 0.02 nats."""

_WIDENINGS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Candidates for how much wider than q(z_g|x) the kernels of the density estimate are.

Each is twice the one before, so that every kernel is the square of the next one."""


@dataclass(frozen=True)
class Figures:
    """The negative ELBO's terms, and information, by name, in nats."""

    elbo: float
    terms: dict[str, float]
    variable: dict[str, float]
    """I(x; z_v)."""
    group: dict[str, float]
    """I(x; z_g)."""
    rate: dict[str, float]


@dataclass(frozen=True)
class Information(Figures):
    """The decomposition over a whole set of images, in nats."""

    standard_errors: Figures
    """Of the means over samples; NaN where there is a single chunk of them."""
    samples: int
    """Samples that the means are over."""
    prior_factorises: bool
    """Whether p(z) has no correlation of its own, so that no total correlation is negative."""


@torch.no_grad()
def decompose_all(latents: LatentDensities, encodings: Encodings) -> Information:
    """Return the five terms and I(x; z_v), I(x; z_g) with every encoding behind q(z).

    Estimator: that of training, over all encodings instead of a minibatch; exact where the set is
        the whole split. With very many variables the mean is over fewer than M samples.

    The standard errors say how much the means would change with other images and other draws of
    their codes, q(z) held as it is. To first order the encodings behind q(z) add nothing to that:
    the influence function of the entropy of q(z) is -log q(z) alone. They do not tell of the bias
    that few encodings cause.
    """
    every = encodings.behind
    sizes = [1, len(TERM_NAMES), len(latents.variable_names), len(latents.group_names)]
    densities = densities_in(latents, len(latents.variable_names))
    samples = affordable(densities, encodings, len(encodings), "terms")
    drawn = encodings if samples == len(encodings) else encodings.spread(samples)
    drawn = drawn.mixed(samples)
    plain = not (latents.only_normals_sampled and can_sweep(every))
    found, factorises = Averages(), True
    for chunk in row_chunks(latents, drawn, samples, "terms", pairs=plain):
        reconstruction = -drawn.log_px_z_M[chunk.rows].mean()
        part = decompose(chunk.densities, reconstruction, chunk.encoding_weights(), plain=plain)
        terms_T = part.terms.stack()
        figures = (terms_T, part.variable_information_V, part.group_information_G)
        found.add(torch.cat([-terms_T.sum()[None], *figures]), chunk.size)
        factorises = chunk.densities.prior_factorises
    rates_MV = latents.rate_per_variable(encodings.z_MW, encodings.parameters_MP)
    named = [
        _figures(latents, values.split(sizes), rate_V)
        for values, rate_V in (
            (found.mean(), rates_MV.mean(0)),
            (found.standard_error(), standard_error(rates_MV)),
        )
    ]
    return Information(**vars(named[0]), standard_errors=named[1], samples=samples,
                       prior_factorises=factorises)  # fmt: skip


def _figures(latents: LatentDensities, parts: Sequence[Tensor], rate_V: Tensor) -> Figures:
    elbo, terms, variables, groups = parts
    return Figures(
        elbo=float(elbo),
        terms=named(TERM_NAMES, terms),
        variable=named(latents.variable_names, variables),
        group=named(latents.group_names, groups),
        rate=named(latents.variable_names, rate_V),
    )


def factor_information(
    latents: LatentDensities, encodings: Encodings, factor_sizes: Sequence[int]
) -> list[list[float]]:
    """Return I(factor; z_g) for every group and factor, (G, F), in nats; see below."""
    return group_information(latents, encodings, factor_sizes)[0]


def group_information(
    latents: LatentDensities, encodings: Encodings, factor_sizes: Sequence[int]
) -> tuple[list[list[float]], list[list[float]]]:
    """Return I(factor; z_g) for every group and factor, and standard errors; see below."""
    groups = [group.variables for group in latents.tree.children]
    return set_information(latents, encodings, factor_sizes, groups)


def variable_information(
    latents: LatentDensities,
    encodings: Encodings,
    factor_sizes: Sequence[int],
    *,
    samples: int = _FACTOR_SAMPLES,
) -> tuple[list[list[float]], list[list[float]]]:
    """Return I(factor; z_v) for every variable and factor, and standard errors; see below."""
    singles = [(v,) for v in range(len(latents.variable_names))]
    return set_information(latents, encodings, factor_sizes, singles, samples=samples)


@torch.no_grad()
def set_information(
    latents: LatentDensities,
    encodings: Encodings,
    factor_sizes: Sequence[int],
    sets: Sequence[Sequence[int]],
    *,
    samples: int = _FACTOR_SAMPLES,
) -> tuple[list[list[float]], list[list[float]]]:
    """Return I(factor; z_s) for every set s of variables and every factor, and standard errors.

    Both are (G, F), in nats. I = H(factor) + E log q(factor|z_s), where q(factor|z_s) is the share
    that the encodings of the images with that factor value have in q(z_s). An image's own encoding
    is left out: it would give its factor away, and a set of many variables would seem to determine
    every factor. The result is a lower bound for any density put in q's place (Barber & Agakov
    2003), so the best of a few widenings of the kernels q(z_s|x) is taken, and never less than
    zero. The expectation is over the first ``samples`` encodings.

    The standard errors are of the mean over samples under the widening that was taken, the
    encodings held as they are; NaN of a single sample.

    Range: 0 to the entropy of the factor.
    Source: Barber & Agakov 2003 for the bound.
    """
    samples = min(samples, len(encodings))
    found = affordable(len(_WIDENINGS) * len(sets), encodings, samples, "I(factor; z)")
    if found < samples:
        encodings, samples = encodings.spread(found), found
    powers = torch.zeros(2, len(_WIDENINGS), len(sets), len(factor_sizes), dtype=torch.float64)
    for chunk in row_chunks(latents, encodings, samples, "I(factor; z)"):
        same_BFM = chunk.same_factors()
        counted_BFM = torch.cat([same_BFM, torch.ones_like(same_BFM[:, :1])], dim=1)
        atoms_BA1 = chunk.densities.atoms_AB.T[..., None]
        for s, variables in enumerate(sets):
            log_qz_x_BAM = _log_pairs(chunk.densities, variables)
            log_qz_x_BAM.diagonal(chunk.first, 0, 2).fill_(-torch.inf)
            log_shares = torch.stack(list(_log_factor_shares(log_qz_x_BAM, counted_BFM)))
            expected_WBF = (atoms_BA1 * log_shares).sum(2).double()
            powers[0, :, s] += expected_WBF.sum(1).cpu() / samples
            powers[1, :, s] += expected_WBF.square().sum(1).cpu() / samples
    entropy_F = factor_entropies(encodings.factors_MF, factor_sizes)
    best, taken = powers[0].max(0)
    variance = (powers[1] - powers[0].square()).gather(0, taken[None])[0].clamp_min(0)
    errors = (variance / (samples - 1)).sqrt() if samples > 1 else torch.full_like(best, math.nan)
    return (best + entropy_F).clamp_min(0).tolist(), errors.tolist()


def information(
    latents: LatentDensities,
    encodings: Encodings,
    factors: Sequence[Factor],
    *,
    samples: int,
    source: Generator,
) -> WithErrors:
    """Return ``information/<factor>/<variable>``, I(factor; z_v), and its standard errors.

    A lower bound by :func:`set_information`, estimated from ``samples`` samples with all encodings
    behind q(z_v).

    Range: 0 to the entropy of the factor. Units: nats.
    """
    sizes = [factor.size for factor in factors]
    tables = variable_information(latents, encodings.shuffled(source), sizes, samples=samples)
    values, errors = (
        {
            f"information/{factor.name}/{variable}": row_F[f]
            for f, factor in enumerate(factors)
            for variable, row_F in zip(latents.variable_names, table_VF, strict=True)
        }
        for table_VF in tables
    )
    return values, errors


def _log_pairs(densities: LogDensities, variables: Sequence[int]) -> Tensor:
    """Return log q(z_g|x_j) of every sample, atom and encoding, (B, A, M); a new tensor.

    Without enumerated variables all atoms have the same, and A is 1.
    """
    if densities.sets is not None:
        log_qz_x_ABM = densities.sets.log_pairs(variables)
        atoms, samples, encodings = log_qz_x_ABM.shape
        every = (atoms, max(samples, densities.atoms_AB.shape[1]), encodings)
        return log_qz_x_ABM.expand(every).transpose(0, 1).clone()
    count = len(densities.enumerated_VAM)
    log_qz_x_BM = torch.zeros_like(densities.sampled_VBM[:1].sum(0))
    for v in variables:
        if v >= count:
            log_qz_x_BM += densities.sampled_VBM[v - count]
    enumerated = [v for v in variables if v < count]
    if not enumerated:
        return log_qz_x_BM[:, None]
    return log_qz_x_BM[:, None] + densities.enumerated_VAM[enumerated].sum(0)


def _log_factor_shares(log_qz_x_BAM: Tensor, counted_BFM: Tensor) -> Iterator[Tensor]:
    """Yield log q(factor = its true value|z_s) of every sample, atom and factor, (B, A, F).

    One for each widening of the kernels, the widest first. ``counted_BFM`` is one where an encoding
    has the sample's value of a factor, and in a last row everywhere.
    """
    kernels_BAM = log_qz_x_BAM - log_qz_x_BAM.amax(-1, keepdim=True)
    kernels_BAM.div_(_WIDENINGS[-1]).exp_()
    tiny = torch.finfo(kernels_BAM.dtype).tiny
    for _ in _WIDENINGS:
        log_mass_BAF = (kernels_BAM @ counted_BFM.transpose(1, 2)).clamp_min(tiny).log()
        yield log_mass_BAF[..., :-1] - log_mass_BAF[..., -1:]
        kernels_BAM.square_()


def factor_entropies(factors_MF: Tensor, factor_sizes: Sequence[int]) -> Tensor:
    """Return H(factor) of every factor over the images, (F,), in nats, on the CPU."""
    counts = [
        torch.bincount(values_M, minlength=size)
        for values_M, size in zip(factors_MF.cpu().T, factor_sizes, strict=True)
    ]
    return torch.stack([torch.special.entr(c_S / c_S.sum()).sum() for c_S in counts])
