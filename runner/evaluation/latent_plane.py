"""Points, their encodings in a latent plane, and the densities p(z) and q(z) over it.

Shapes: N points, S draws of z, H W raster cells of the window, the lowest row first, C of them
along each side, P parameters from the encoder, M encodings, V = W = 2 columns of z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities, Representation

_CELLS = 160
"""Along a side of the window on the latent space."""

_PAIRS = 2**23
"""Pairs of a cell and an encoding at a time."""

_LATENTS = 2


class Window(NamedTuple):
    """The part of the latent plane that is shown."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, z_S2: NDArray[np.floating]) -> Self:
        """Return a square that holds all draws, with a margin."""
        low_2, high_2 = z_S2.min(axis=0), z_S2.max(axis=0)
        reach = 0.54 * float((high_2 - low_2).max()) or 1.0
        x, y = ((low_2 + high_2) / 2).tolist()
        return cls(x - reach, x + reach, y - reach, y + reach)

    def cells(self, side: int) -> NDArray[np.float32]:
        """Return where densities are to be evaluated, the middles of the cells, (side, side, 2)."""
        at = (np.arange(side) + 0.5) / side
        x_W = self.left + (self.right - self.left) * at
        y_H = self.bottom + (self.top - self.bottom) * at
        return np.stack(np.meshgrid(x_W, y_H), axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Points:
    """Data, their reconstructions, a draw of z for each of them, and their classes."""

    data_N2: NDArray[np.floating]
    reconstructions_N2: NDArray[np.floating]
    z_N2: NDArray[np.floating]
    classes_N: NDArray[np.integer]
    class_names: Sequence[str]


@dataclass(frozen=True)
class Densities:
    """p(z) and q(z) at the middles of the window's cells."""

    window: Window
    prior_HW: NDArray[np.floating]
    posterior_HW: NDArray[np.floating]


@torch.no_grad()
def latent_plane(
    model: Representation, dataset: Dataset, encodings: Encodings, source: Generator
) -> tuple[Points, Densities] | None:
    """Return the points of a dataset and the densities, or None unless z is a plane as well.

    The aggregate posterior q(z) is the mean over all encodings.
    """
    latents = model.latents
    if latents is None or latents.width != _LATENTS:
        return None
    prior_NW = model.sample_prior(len(encodings), source)
    if prior_NW is None:
        return None
    drawn_NW = torch.cat([encodings.z_MW, prior_NW])
    window = Window.around(drawn_NW.cpu().numpy())
    cells_SW = torch.as_tensor(window.cells(_CELLS), dtype=torch.float32).flatten(0, 1)
    log_p_S, log_q_S = _log_densities(latents, cells_SW.to(source.device), encodings.parameters_MP)
    column = dataset.class_column
    if column is None:
        return None
    classes_N = encodings.factors_MF[:, column]
    points = Points(
        dataset.test.images(encodings.indices_M).flatten(1).cpu().numpy(),
        model.decode(encodings.mean_MW).flatten(1).cpu().numpy(),
        encodings.z_MW.cpu().numpy(),
        classes_N.cpu().numpy(),
        tuple(f"{dataset.class_factor} {name}" for name in dataset.class_names),
    )
    p_CC, q_CC = (log.exp().view(_CELLS, _CELLS).cpu().numpy() for log in (log_p_S, log_q_S))
    return points, Densities(window, p_CC, q_CC)


def _log_densities(
    latents: LatentDensities, cells_SW: Tensor, parameters_MP: Tensor
) -> tuple[Tensor, Tensor]:
    """Return log p(z) and log q(z) at every cell, over a few hundred cells at a time."""
    log_q: list[Tensor] = []
    parts = cells_SW.split(max(1, min(500, _PAIRS // len(parameters_MP))))
    for part_SW in progress.counted(parts, "q(z)", len(parts)):
        own_SP = parameters_MP[:1].expand(len(part_SW), -1)  # a cell has no encoding of its own
        pairs_SM = latents.densities(part_SW, own_SP, parameters_MP).sampled_VBM.sum(0)
        log_q.append(pairs_SM.logsumexp(1) - math.log(len(parameters_MP)))
    return latents.log_pz(cells_SW, range(_LATENTS))[0], torch.cat(log_q)
