"""The figure of a model of points in the plane, computed from the model.

Shapes: N points, C cells along a side of the window, P numbers from the encoder, W columns of z.
"""

from __future__ import annotations

import math

import torch
from matplotlib.figure import Figure
from torch import Generator, Tensor

from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities, Representation
from runner.figures.plane import Densities, Points, Window, plane

_CELLS = 160
"""Along a side of the window on the latent space."""

_LATENTS = 2


@torch.no_grad()
def plane_picture(
    model: Representation, dataset: Dataset, encodings: Encodings, source: Generator
) -> Figure | None:
    """Return the figure of a dataset of points, or None unless the latents are a plane as well.

    The aggregate posterior is the mean over all encodings.
    """
    latents, prior_NW = model.latents, model.sample_prior(len(encodings), source)
    if latents is None or prior_NW is None or latents.width != _LATENTS:
        return None
    drawn_NW = torch.cat([encodings.z_MW, prior_NW])
    window = Window.around(drawn_NW.cpu().numpy())
    cells_SW = torch.as_tensor(window.cells(_CELLS), dtype=torch.float32).flatten(0, 1)
    log_p_S, log_q_S = _log_densities(latents, cells_SW.to(source.device), encodings.parameters_MP)
    classes_N = encodings.factors_MF[:, dataset.class_column]
    points = Points(
        dataset.test.images(encodings.indices_M).flatten(1).cpu().numpy(),
        model.decode(encodings.mean_MW).flatten(1).cpu().numpy(),
        encodings.z_MW.cpu().numpy(),
        classes_N.cpu().numpy(),
        tuple(f"{dataset.class_factor} {name}" for name in dataset.class_names),
    )
    p_CC, q_CC = (log.exp().view(_CELLS, _CELLS).cpu().numpy() for log in (log_p_S, log_q_S))
    return plane(points, Densities(window, p_CC, q_CC))


def _log_densities(
    latents: LatentDensities, cells_SW: Tensor, encodings_MP: Tensor
) -> tuple[Tensor, Tensor]:
    """Return log p(z) and log q(z) at every cell, over a few hundred cells at a time."""
    log_q: list[Tensor] = []
    for part_SW in cells_SW.split(500):
        numbers_SP = encodings_MP[:1].expand(len(part_SW), -1)  # a cell has no encoding of its own
        pairs_SM = latents.densities(part_SW, numbers_SP, encodings_MP).sampled_VBM.sum(0)
        log_q.append(pairs_SM.logsumexp(1) - math.log(len(encodings_MP)))
    return latents.log_pz(cells_SW, range(_LATENTS))[0], torch.cat(log_q)
