"""Reconstruction and information as variables are switched off, the least informative first.

Shapes: M encodings, S images that are decoded, B images of a chunk, V variables, K = V + 1 counts
of kept variables, W columns of z, A atoms (see ``objective.aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner.dataset import Split
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities, Representation, densities_of
from runner.evaluation.row_chunks import row_chunks
from runner.objective import LogDensities
from runner.objective.aggregate_posterior import log_enumerated_posterior

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

        The gain of some variables is by how much keeping them lowers the squared error. (In nats,
        with most variables off, the gain would mainly measure how confident the decoder is of a
        wrong image.) The scores are the number of variables that reach 90% of the gain of all, and
        the share of it that the more informative half of the variables has; 0 and 1 where all
        together gain nothing.
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
    model: Representation, encodings: Encodings, split: Split, *, samples: int, source: Generator
) -> Pruning:
    """Return reconstruction and information of ``samples`` images as variables are switched off.

    Variables are ordered by I(x; z_v). Those kept have their value of the image's mean code, a
    discrete one its most probable value. The others are set to the centre of the prior: zero, the
    mean of every independent and of the correlated prior (of a log-normal variable its logarithm,
    so that the decoder sees one); the mean of the mixture for a mixture or a VampPrior; for a
    discrete variable the prior's most probable value, the first of equals.

    The information of the variables kept is estimated for all together. The sum of their single
    informations would count what they share twice: it exceeds I(x; z_kept) by the total correlation
    of q(z_kept).

    Units: nats per image.
    Estimator: that of :func:`runner.evaluation.information.decompose_all`, of ``samples`` samples
        against all encodings. It cannot exceed log N of N images; a value near that or above log M
        of M encodings only says that the images can be distinguished.
    Raises: UsageError for a deterministic code, which has no information.
    """
    latents = densities_of(model, "pruning")
    shuffled = encodings.shuffled(source)
    singles = [(v,) for v in range(len(latents.variable_names))]
    alone = _information(latents, shuffled, singles, samples)
    order = sorted(range(len(alone)), key=lambda v: -alone[v])
    kept = [order[:k] for k in range(len(order) + 1)]
    information = [0.0, *_information(latents, shuffled, kept[1:], samples)]
    codes_KSW = _codes(latents, model.discretise(shuffled.mean_MW[:samples]), kept)
    squared_error_K, nats_K = _errors(model, split, shuffled.indices_M[:samples], codes_KSW)
    return Pruning(
        names=tuple(latents.variable_names[v] for v in order),
        information_K=np.array(information),
        nats_K=nats_K,
        squared_error_K=squared_error_K,
    )


def _codes(latents: LatentDensities, mean_SW: Tensor, kept: Sequence[Sequence[int]]) -> Tensor:
    """Return the mean codes with all but some variables switched off, (K, S, W)."""
    is_kept_KW = torch.zeros(len(kept), latents.width, dtype=torch.bool, device=mean_SW.device)
    columns = list(latents.columns.values())
    for k, variables in enumerate(kept):
        for v in variables:
            is_kept_KW[k, columns[v]] = True
    return torch.where(is_kept_KW[:, None], mean_SW, latents.prior_center(mean_SW))


def _errors(
    model: Representation, split: Split, indices_S: Tensor, codes_KSW: Tensor
) -> Iterator[NDArray[np.floating]]:
    """Yield the squared error and the nats of the images from each kind of codes, (K,) each."""
    parts: list[Tensor] = []
    for indices_B, codes_KBW in zip(
        indices_S.split(_CHUNK), codes_KSW.split(_CHUNK, dim=1), strict=True
    ):
        images_BCHW = split.images(indices_B)
        found = [model.reconstruction_errors(images_BCHW, codes_BW) for codes_BW in codes_KBW]
        parts.append(torch.stack(found, dim=1))
    for errors_KS in torch.cat(parts, dim=2):
        yield errors_KS.cpu().double().mean(1).numpy()


def _information(
    latents: LatentDensities, encodings: Encodings, sets: Sequence[Sequence[int]], samples: int
) -> list[float]:
    """Return I(x; z_s) of every set of variables, in nats, from the first ``samples``."""
    samples = min(samples, len(encodings))
    total_S = torch.zeros(len(sets), dtype=torch.float64)
    for chunk in row_chunks(latents, encodings, samples):
        log_weights_BM = chunk.log_weights()
        found = [_log_ratio(chunk.densities, log_weights_BM, s).sum() for s in sets]
        total_S += torch.stack(found).cpu()
    return (total_S / samples).tolist()


def _log_ratio(densities: LogDensities, log_weights_BM: Tensor, variables: Sequence[int]) -> Tensor:
    """Return log q(z_s|x) - log q(z_s) of every sample, (B,), the mean over enumerated values."""
    count = len(densities.enumerated_VAM)
    listed = [v for v in variables if v < count]
    sampled = [v - count for v in variables if v >= count]
    log_qz_x_BM = densities.sampled_VBM[sampled].sum(0) + log_weights_BM
    log_own_AB = densities.own_sampled_VB[sampled].sum(0)[None]
    if not listed:
        return log_own_AB[0] - log_qz_x_BM.logsumexp(-1)
    log_own_AB = log_own_AB + densities.own_enumerated_VAB[listed].sum(0)
    log_qk_x_AM = densities.enumerated_VAM[listed].sum(0)
    log_q_AB = log_enumerated_posterior(log_qk_x_AM, log_qz_x_BM)
    return (densities.atoms_AB * (log_own_AB - log_q_AB)).sum(0)
