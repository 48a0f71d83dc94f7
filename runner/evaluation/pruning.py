"""Reconstruction and information as variables are switched off, the least informative first.

Shapes: M encodings, S images that are decoded, B images of a chunk, V variables, K = V + 1 counts
of kept variables, W columns of z.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Split
from runner.evaluation.averages import ratio_error
from runner.evaluation.encodings import Encodings
from runner.evaluation.kept_variables import ratios_alone, ratios_together
from runner.evaluation.representation import LatentDensities, Representation, densities_of
from runner.evaluation.row_chunks import RowChunk, affordable, densities_in, row_chunks

_CHUNK = 50
"""Few images, so that the activations of a convolutional network stay small."""

_DECODED = 200_000
"""Images that are decoded at most, of all numbers of kept variables together."""

_LEAST_DECODED = 50
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
    squared_error_KS: NDArray[np.floating]
    """Per pixel of every image, pixels between 0 and 1."""

    @property
    def squared_error_K(self) -> NDArray[np.floating]:
        """The mean over images."""
        return self.squared_error_KS.mean(1)

    def scores(self) -> dict[str, float]:
        """Return how concentrated the reconstruction is in few variables.

        The gain of some variables is by how much keeping them lowers the squared error. (In nats,
        with most variables off, the gain would mainly measure how confident the decoder is of a
        wrong image.) The scores are the number of variables that reach 90% of the gain of all, and
        the share of it that the more informative half of the variables has; 0 and 1 where all
        together gain nothing.
        """
        gain_K = self._gain_KS.mean(1)
        total = float(gain_K[-1])
        half = gain_K[self._half]
        return {
            "pruning/variables_for_90_percent": float(np.argmax(gain_K >= _MOST * max(total, 0.0))),
            "pruning/half": float(half / total) if total > 0 else 1.0,
        }

    def standard_errors(self) -> dict[str, float]:
        """Return that of the share, with other images; NaN of one image, or without a gain."""
        gain_KS = torch.as_tensor(self._gain_KS)
        error = ratio_error(gain_KS[self._half], gain_KS[-1])
        return {"pruning/half": error if float(gain_KS[-1].mean()) > 0 else math.nan}

    @property
    def _gain_KS(self) -> NDArray[np.floating]:
        return self.squared_error_KS[0] - self.squared_error_KS

    @property
    def _half(self) -> int:
        return (len(self.names) + 1) // 2


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
    variables = len(latents.variable_names)
    samples = affordable(
        densities_in(latents, 2 * variables), shuffled, min(samples, len(shuffled)), "pruning"
    )
    alone = _information(latents, shuffled, samples, ratios_alone)
    order = sorted(range(variables), key=lambda v: -alone[v])
    together = partial(ratios_together, order=order)
    information = [0.0, *_information(latents, shuffled, samples, together)]
    decoded = min(samples, max(_LEAST_DECODED, _DECODED // (variables + 1)))
    if decoded < samples:
        progress.left_out(f"errors of pruning from {decoded:,} of {samples:,} images")
    squared_error_KS, nats_KS = _errors(model, split, shuffled, order, decoded)
    return Pruning(
        names=tuple(latents.variable_names[v] for v in order),
        information_K=np.array(information),
        nats_K=nats_KS.mean(1),
        squared_error_KS=squared_error_KS,
    )


def _errors(
    model: Representation, split: Split, encodings: Encodings, order: Sequence[int], samples: int
) -> Iterator[NDArray[np.floating]]:
    """Yield squared errors and nats of images by how many variables are kept, (K, S) each."""
    parts: list[Tensor] = []
    firsts = range(0, samples, _CHUNK)
    for first in progress.counted(firsts, "reconstructing", len(firsts)):
        rows = slice(first, min(first + _CHUNK, samples))
        images_BCHW = split.images(encodings.indices_M[rows])
        mean_BW = model.code_given(encodings.parameters_MP[rows])
        found: list[Tensor] = []
        for codes_BW in _codes(densities_of(model, "pruning"), mean_BW, order):
            found.append(model.reconstruction_errors(images_BCHW, codes_BW))
            progress.check()
        parts.append(torch.stack(found, dim=1))
    for errors_KS in torch.cat(parts, dim=2):
        yield errors_KS.cpu().double().numpy()


def _codes(latents: LatentDensities, mean_BW: Tensor, order: Sequence[int]) -> Iterator[Tensor]:
    """Yield the mean codes with no variable kept, then with one more each time, (B, W)."""
    codes_BW = latents.prior_center(mean_BW).expand_as(mean_BW).clone()
    columns = list(latents.columns.values())
    yield codes_BW
    for v in order:
        codes_BW[:, columns[v]] = mean_BW[:, columns[v]]
        yield codes_BW


def _information(
    latents: LatentDensities,
    encodings: Encodings,
    samples: int,
    log_ratios: Callable[[RowChunk], Iterator[Tensor]],
) -> list[float]:
    """Return I(x; z_s) of some sets of variables, in nats, from the first ``samples``.

    ``log_ratios`` yields log q(z_s|x) - log q(z_s) of every sample of a chunk, (B,), for each set.
    """
    total_S = torch.zeros((), dtype=torch.float64)
    for chunk in row_chunks(latents, encodings, samples, "I(x; z)"):
        total_S = total_S + torch.stack([ratio_B.sum() for ratio_B in log_ratios(chunk)]).cpu()
    return (total_S / samples).tolist()
