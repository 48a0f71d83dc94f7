"""What is lost as variables are switched off, the least informative first.

Shapes: M encodings, S images that are decoded, B images of a chunk, V variables, K = V + 1 numbers
of variables kept, W columns of z, A atoms (see ``objective.aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner.dataset import Split
from runner.evaluation.categorical_latents import categorical_latents
from runner.evaluation.encodings import Encodings
from runner.evaluation.reconstruction import decoding_errors
from runner.model import VAE, Densities, LatentSpace
from runner.model.mixture import Mixture
from runner.objective import log_mixture_weights
from runner.objective.aggregate_posterior import log_enumerated_posterior

_ROWS = 20
"""Samples compared with all encodings at a time; few, so that a chunk stays in the CPU cache."""

_CHUNK = 500
_MOST = 0.9
"""Of the reconstruction gain."""


@dataclass(frozen=True, eq=False)
class Pruning:
    """Reconstruction and information by how many variables are kept, from none to all."""

    names: tuple[str, ...]
    """The variables in the order in which they are kept, the most informative first."""
    information_K: NDArray[np.floating]
    """I(x; z_kept), of the kept variables together, in nats."""
    nats_K: NDArray[np.floating]
    """-log p(x|z) per image."""
    squared_error_K: NDArray[np.floating]
    """Per pixel, pixels between 0 and 1."""

    def scores(self) -> dict[str, float]:
        """Return how concentrated the reconstruction is in few variables.

        Its gain is what the squared error falls by when variables are kept; nats would count little
        but how sure of the wrong image the decoder is where most are switched off. The scores are
        the number of variables that have 90% of the gain of all, and the share of it that the more
        informative half of the variables has; where all together gain nothing, 0 and 1.
        """
        gain_K = self.squared_error_K[0] - self.squared_error_K
        total = float(gain_K[-1])
        half = gain_K[(len(self.names) + 1) // 2]
        return {
            "pruning/variables_for_90_percent": float(np.argmax(gain_K >= _MOST * max(total, 0.0))),
            "pruning/half": float(half / total) if total > 0 else 1.0,
        }


@torch.no_grad()
def pruning(
    model: VAE, encodings: Encodings, split: Split, *, samples: int, source: Generator
) -> Pruning:
    """Return what ``samples`` images lose as variables are switched off.

    Variables are ordered by I(x; z_v). Those kept have their value of the image's mean code, a
    discrete one its most probable value. The others stand where the prior has its middle: at zero,
    the mean of every independent and of the correlated prior (of a log-normal variable its
    logarithm, so that the decoder sees one); at the mean of the mixture for a mixture or a
    VampPrior; a discrete one at the prior's most probable value, the first of equals.

    The information of the variables kept is estimated for all together. Their sum would count twice
    what several of them know: it exceeds I(x; z_kept) by the total correlation of q(z_kept).

    Units: nats per image.
    Estimator: that of :func:`runner.evaluation.information.decompose_all`, of ``samples`` draws
        against all encodings. It cannot exceed log N of N images; what is near that or above log M
        of M encodings says no more than that the images can be told apart.
    Raises: UsageError for a deterministic code.
    """
    latents = categorical_latents(model.bind_latents(), "pruning")
    shuffled = encodings.shuffled(source)
    singles = [(v,) for v in range(len(latents.variable_names))]
    alone = _information(latents, shuffled, singles, samples)
    order = sorted(range(len(alone)), key=lambda v: -alone[v])
    kept = [order[:k] for k in range(len(order) + 1)]
    information = [0.0, *_information(latents, shuffled, kept[1:], samples)]
    codes_KSW = _codes(latents, shuffled.mean_MW[:samples], kept)
    squared_error_K, nats_K = _errors(model, split, shuffled.indices_M[:samples], codes_KSW)
    return Pruning(
        names=tuple(latents.variable_names[v] for v in order),
        information_K=np.array(information),
        nats_K=nats_K,
        squared_error_K=squared_error_K,
    )


def middle(latents: LatentSpace, like: Tensor) -> Tensor:
    """Return the code at which variables are switched off, (W,); see :func:`pruning`."""
    kinds = latents.discrete.variables
    values = [kind.as_value(kind.log_p(like).argmax()[None], like)[0] for kind in kinds]
    if isinstance(latents.p, Mixture):
        middle_V = latents.p.logits_K.softmax(0) @ latents.p.loc_KV
    else:
        middle_V = like.new_zeros(latents.continuous.count)
    return torch.cat([*values, middle_V])


def _codes(latents: LatentSpace, mean_SW: Tensor, kept: Sequence[Sequence[int]]) -> Tensor:
    """Return the mean codes with all but some variables switched off, (K, S, W)."""
    is_kept_KW = torch.zeros(len(kept), latents.width, dtype=torch.bool, device=mean_SW.device)
    columns = list(latents.columns.values())
    for k, variables in enumerate(kept):
        for v in variables:
            is_kept_KW[k, columns[v]] = True
    return torch.where(is_kept_KW[:, None], latents.discretise(mean_SW), middle(latents, mean_SW))


def _errors(
    model: VAE, split: Split, indices_S: Tensor, codes_KSW: Tensor
) -> Iterator[NDArray[np.floating]]:
    """Yield the squared error and the nats of the images from each kind of codes, (K,) each."""
    parts: list[Tensor] = []
    for indices_B, codes_KBW in zip(
        indices_S.split(_CHUNK), codes_KSW.split(_CHUNK, dim=1), strict=True
    ):
        images_BCHW = split.images(indices_B)
        found = [decoding_errors(model, images_BCHW, codes_BW) for codes_BW in codes_KBW]
        parts.append(torch.stack(found, dim=1))
    for errors_KS in torch.cat(parts, dim=2):
        yield errors_KS.cpu().double().mean(1).numpy()


def _information(
    latents: LatentSpace, encodings: Encodings, sets: Sequence[Sequence[int]], samples: int
) -> list[float]:
    """Return I(x; z_s) of every set of variables, in nats, from the first ``samples`` draws."""
    samples = min(samples, len(encodings))
    parameters_MP = encodings.parameters_MP
    total_S = torch.zeros(len(sets), dtype=torch.float64)
    for first in range(0, samples, _ROWS):
        rows = slice(first, min(first + _ROWS, samples))
        z_BW = encodings.z_MW[rows]
        log_weights_BM = log_mixture_weights(
            len(z_BW), len(encodings), encodings.dataset_size, first=first, like=z_BW
        )
        densities = latents.densities(z_BW, parameters_MP[rows], parameters_MP)
        found = [_log_ratio(densities, log_weights_BM, s).sum() for s in sets]
        total_S += torch.stack(found).cpu()
    return (total_S / samples).tolist()


def _log_ratio(densities: Densities, log_weights_BM: Tensor, variables: Sequence[int]) -> Tensor:
    """Return log q(z_s|x) - log q(z_s) of every sample, (B,), the mean over enumerated values."""
    count = len(densities.enumerated_VAM)
    listed = [v for v in variables if v < count]
    drawn = [v - count for v in variables if v >= count]
    log_qz_x_BM = densities.sampled_VBM[drawn].sum(0) + log_weights_BM
    log_own_AB = densities.own_sampled_VB[drawn].sum(0)[None]
    if not listed:
        return log_own_AB[0] - log_qz_x_BM.logsumexp(-1)
    log_own_AB = log_own_AB + densities.own_enumerated_VAB[listed].sum(0)
    log_qk_x_AM = densities.enumerated_VAM[listed].sum(0)
    log_q_AB = log_enumerated_posterior(log_qk_x_AM, log_qz_x_BM)
    return (densities.atoms_AB * (log_own_AB - log_q_AB)).sum(0)
