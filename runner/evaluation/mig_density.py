"""The mutual information gap from the densities q(z_v|x), as its authors estimate it.

Shapes: M encodings, N samples, B of a chunk, V variables, C continuous variables, F factors, K
values of a discrete variable, S values of a factor, T scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Generator, Tensor

from runner.dataset import Factor
from runner.errors import UsageError
from runner.evaluation.averages import WithErrors, named
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import factor_entropies
from runner.evaluation.representation import LatentDensities
from runner.evaluation.row_chunks import affordable, densities_in, row_chunks


def mig_density(
    latents: LatentDensities,
    encodings: Encodings,
    factors: Sequence[Factor],
    *,
    samples: int,
    source: Generator,
) -> WithErrors:
    """Return the gap between the two variables with the most information on a factor, over H(v).

    (I(z_1st; v) - I(z_2nd; v)) / H(v), the mean over factors, and ``mig_density/<factor>`` of each;
    a factor that does not vary is left out. I(z; v) = H(z) - H(z|v) of samples z ~ q(z|x), where
    q(z) and q(z|v) are mixtures of the encodings of all images, and of those with that factor
    value; see :func:`gap_information`. The authors leave dSprites' shape out: they report the mean
    of the other gaps.

    The second result has the standard errors by the same names: how much the gaps between the two
    variables that were found would change with other images and other draws of their codes. To
    first order the encodings behind q(z) add nothing to that, as in
    :func:`runner.evaluation.information.decompose_all`. NaN of a single sample.

    Range: 0 to 1.
    Raises: UsageError where no factor varies.
    Source: Chen et al. 2018.
    """
    entropy_F = factor_entropies(encodings.factors_MF, [factor.size for factor in factors])
    varying = [f for f, entropy in enumerate(entropy_F.tolist()) if entropy > 0]
    if not varying:
        raise UsageError("no factor varies, so there is no information on one")
    shuffled = encodings.shuffled(source)
    log_ratios = _log_ratios(latents, shuffled, samples)
    best_2F, taken_2F = torch.cat([_means(log_ratios), torch.zeros(1, len(factors))]).topk(2, dim=0)
    gap_F = (best_2F[0] - best_2F[1]) / entropy_F
    influence_MF = _influence(log_ratios, taken_2F, gap_F, shuffled.factors_MF.cpu()) / entropy_F
    drawn = min(len(values_NF) for values_NF in log_ratios)
    names = ["mig_density", *(f"mig_density/{factors[f].name}" for f in varying)]
    gaps_T, influence_MT = (
        torch.cat([each.mean(-1, keepdim=True), each], dim=-1)
        for each in (gap_F[varying], influence_MF[:, varying])
    )
    return named(names, gaps_T), named(names, _errors(influence_MT, drawn))


def _influence(
    log_ratios: Sequence[Tensor], taken_2F: Tensor, gap_F: Tensor, factors_MF: Tensor
) -> Tensor:
    """Return the part of every image in the estimated gaps, times H(v), (M, F).

    That of the two means over their samples, whose row in ``log_ratios`` is ``taken_2F``, the one
    behind the last where there is a single variable; and that of the entropy, which divides them.
    """
    images = len(factors_MF)
    influence_MF = torch.zeros(factors_MF.shape, dtype=torch.float64)
    for f, values_M in enumerate(factors_MF.T):
        surprise_M = -(torch.bincount(values_M) / images).log()[values_M]
        influence_MF[:, f] -= gap_F[f] * surprise_M / images
        for sign, v in zip((1, -1), taken_2F[:, f].tolist(), strict=True):
            if v < len(log_ratios):
                log_ratio_N = log_ratios[v][:, f]
                count = len(log_ratio_N)
                influence_MF[:count, f] += sign * log_ratio_N / count
    return influence_MF


def _errors(influence_MT: Tensor, drawn: int) -> Tensor:
    """Return the standard errors of sums over independent images, (T,).

    Those of the first ``drawn`` images are distributed alike, and those of the others, of which
    there are no samples.
    """
    parts = [part for part in influence_MT.tensor_split([drawn]) if len(part)]
    return sum((len(part) * part.var(0) for part in parts), torch.zeros(())).sqrt()


def gap_information(
    latents: LatentDensities, encodings: Encodings, *, samples: int, source: Generator
) -> Tensor:
    """Return I(z_v; factor) of every variable and factor, (V, F), in nats, on the CPU.

    That of a discrete variable is exact, by the sum over its values. That of a continuous one is
    estimated from ``samples`` samples of q(z|x), each of another image, and never less than zero.

    Estimator: q(z) is a mixture over all N images, in which a sample's own encoding has the weight
        1/N; of the M encodings here each other one stands for (N-1)/(M-1) images. So too for the
        images with one factor value. Where M = N this is the authors' estimate, exact but for the
        noise of the samples.
        For M < N they would count the own encoding as any other, which overestimates information.
        Of a variable without information, q(z|x) a tenth as wide as q(z), M = 10,000 of 737,280
        images, a factor of 40 values: -0.04 nats as it is here, 0.04 the authors' way, -0.12 with
        the own encoding left out; at most about half of these with twice the encodings.
    """
    return _means(_log_ratios(latents, encodings.shuffled(source), samples))


@torch.no_grad()
def _log_ratios(latents: LatentDensities, shuffled: Encodings, samples: int) -> list[Tensor]:
    """Return log q(z_v|factor value) - log q(z_v) of the first samples, (N, F), of each variable.

    Their mean is I(z_v; factor). N is M for a discrete variable, and the number of samples for a
    continuous one. On the CPU, float64.
    """
    tables = latents.log_q_categories(shuffled.parameters_MP)
    discrete = [_of_discrete(log_q_KM, shuffled) for log_q_KM in tables]
    continuous = len(latents.variable_names) - len(tables)
    return [*discrete, *_of_continuous(latents, shuffled, samples, continuous)]


def _means(log_ratios: Sequence[Tensor]) -> Tensor:
    """Return the information of every variable and factor, (V, F), never less than zero."""
    return torch.stack([values_NF.mean(0) for values_NF in log_ratios]).clamp_min(0)


def _of_discrete(log_q_KM: Tensor, encodings: Encodings) -> Tensor:
    """Return sum_k q(k|x) (log q(k|factor value of x) - log q(k)) of every encoding, (M, F)."""
    q_MK = log_q_KM.T.cpu().double().exp()
    log_q_K = q_MK.mean(0).log()
    found: list[Tensor] = []
    for values_M in encodings.factors_MF.cpu().T:
        values_MS = F.one_hot(values_M).double()
        log_q_SK = (values_MS.T @ q_MK / values_MS.sum(0)[:, None]).log()
        log_ratio_MK = (log_q_SK[values_M] - log_q_K).nan_to_num(0.0)
        found.append((q_MK * log_ratio_MK).sum(1))
    return torch.stack(found, dim=1)


def _of_continuous(
    latents: LatentDensities, encodings: Encodings, samples: int, count: int
) -> Tensor:
    """Return the log ratios of the last ``count`` variables at the first samples, (C, N, F)."""
    samples = min(samples, len(encodings))
    samples = affordable(densities_in(latents, count), encodings, samples, "mig_density")
    share = len(encodings) / encodings.dataset_size
    parts: list[Tensor] = []
    for chunk in row_chunks(latents, encodings, samples, "I(z; factor)"):
        pairs_VBM = chunk.densities.sampled_VBM
        log_q_CBM = pairs_VBM[-count:] if count else pairs_VBM[:0]
        log_ratio_CBF = _log_ratio(log_q_CBM, chunk.same_factors(), chunk.first, share)
        parts.append(log_ratio_CBF.cpu().double())
    return torch.cat(parts, dim=1)


def _log_ratio(log_q_CBM: Tensor, same_BFM: Tensor, first: int, share: float) -> Tensor:
    """Return log q(z|its factor value) - log q(z), (C, B, F).

    Sample i owns column ``first + i``, and the columns are a ``share`` of all images; ``same_BFM``
    is one where an encoding has the sample's value of a factor.
    """
    kernels_CBM = (log_q_CBM - log_q_CBM.amax(-1, keepdim=True)).exp()
    own_CB1 = kernels_CBM.diagonal(first, -2, -1)[..., None].clone()
    kernels_CBM.diagonal(first, -2, -1).zero_()
    others_CBF = torch.einsum("cbm,bfm->cbf", kernels_CBM, same_BFM)
    log_mixture_CBF = _log_mixture(own_CB1, others_CBF, same_BFM.sum(2), share)
    everything = same_BFM.new_tensor(same_BFM.shape[2])
    others_CB1 = kernels_CBM.sum(-1, keepdim=True)
    return log_mixture_CBF - _log_mixture(own_CB1, others_CB1, everything, share)


def _log_mixture(own: Tensor, others: Tensor, encodings: Tensor, share: float) -> Tensor:
    """Return log q(z): the own kernel weighted 1/N, the other kernels sharing (N-1)/N.

    Args:
        own: the kernel of a sample's own encoding.
        others: the sum of the kernels of the other encodings.
        encodings: the number of all, M.
        share: M/N, the part of all images that have an encoding.
    """
    images = encodings / share
    weight = (images - 1) / (encodings - 1).clamp_min(1)
    tiny = torch.finfo(own.dtype).tiny
    return ((own + weight * others) / images).clamp_min(tiny).log()
