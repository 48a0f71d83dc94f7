"""The mutual information gap from the densities q(z_v|x), as its authors estimate it.

Shapes: M encodings, B samples of a chunk, V variables, C continuous variables, F factors, K values
of a discrete variable, S values of a factor.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Generator, Tensor

from runner.dataset import Factor
from runner.errors import UsageError
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
) -> dict[str, float]:
    """Return the gap between the two variables with the most information on a factor, over H(v).

    (I(z_1st; v) - I(z_2nd; v)) / H(v), the mean over factors, and ``mig_density/<factor>`` of each;
    a factor that does not vary is left out. I(z; v) = H(z) - H(z|v) of samples z ~ q(z|x), where
    q(z) and q(z|v) are mixtures of the encodings of all images, and of those with that factor
    value; see :func:`gap_information`. The authors leave dSprites' shape out: they report the mean
    of the other gaps.

    Range: 0 to 1.
    Raises: UsageError where no factor varies.
    Source: Chen et al. 2018.
    """
    entropy_F = factor_entropies(encodings.factors_MF, [factor.size for factor in factors])
    varying = [f for f, entropy in enumerate(entropy_F.tolist()) if entropy > 0]
    if not varying:
        raise UsageError("no factor varies, so there is no information on one")
    found_VF = gap_information(latents, encodings, samples=samples, source=source)
    best_2F = torch.cat([found_VF, torch.zeros(1, len(factors))]).topk(2, dim=0).values
    gap_F = (best_2F[0] - best_2F[1]) / entropy_F
    named = {f"mig_density/{factors[f].name}": float(gap_F[f]) for f in varying}
    return {"mig_density": float(gap_F[varying].mean()), **named}


@torch.no_grad()
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
    shuffled = encodings.shuffled(source)
    tables = latents.log_q_categories(shuffled.parameters_MP)
    discrete = [_of_discrete(log_q_KM, shuffled) for log_q_KM in tables]
    continuous = len(latents.variable_names) - len(tables)
    parts = [*discrete, _of_continuous(latents, shuffled, samples, continuous)]
    return torch.cat(parts).clamp_min(0)


def _of_discrete(log_q_KM: Tensor, encodings: Encodings) -> Tensor:
    """Return I(k; factor) for every factor, (1, F), from the table of q(k|x)."""
    found: list[Tensor] = []
    for values_M in encodings.factors_MF.T:
        joint_KS = log_q_KM.exp() @ F.one_hot(values_M).to(log_q_KM.dtype) / len(encodings)
        parts = joint_KS, joint_KS.sum(0), joint_KS.sum(1)
        joint, values, categories = (torch.special.entr(p).sum() for p in parts)
        found.append(values + categories - joint)
    return torch.stack(found)[None].cpu()


def _of_continuous(
    latents: LatentDensities, encodings: Encodings, samples: int, count: int
) -> Tensor:
    """Return I(z_v; factor) of the last ``count`` variables, from the first samples, (C, F)."""
    samples = min(samples, len(encodings))
    samples = affordable(densities_in(latents, count), encodings, samples, "mig_density")
    share = len(encodings) / encodings.dataset_size
    total_CF = torch.zeros(count, encodings.factors_MF.shape[1])
    for chunk in row_chunks(latents, encodings, samples, "I(z; factor)"):
        pairs_VBM = chunk.densities.sampled_VBM
        log_q_CBM = pairs_VBM[-count:] if count else pairs_VBM[:0]
        log_ratio_CBF = _log_ratio(log_q_CBM, chunk.same_factors(), chunk.first, share)
        total_CF += log_ratio_CBF.sum(1).cpu()
    return total_CF / samples


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
