"""Every figure of a run, drawn from its model.

Shapes: N images, T steps of a traversal, V variables, W columns of z, C H W image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner.config import EvaluationConfig
from runner.dataset import POINTS, Dataset, Split
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import Representation
from runner.evaluation.traversal_rows import TraversalRow, positions_of, traversal_rows, unit_of
from runner.figures import information as figures
from runner.figures.plane_of_run import plane_picture

_RECONSTRUCTIONS = 24
_SAMPLES = 64
_PAIRS = 6
_BETWEEN = 9
"""Images in a row of the interpolation, both ends included."""


@dataclass(frozen=True)
class Pictures:
    """The model, the images and the settings that the figures are drawn from."""

    model: Representation
    dataset: Dataset
    encodings: Encodings
    settings: EvaluationConfig
    summary: Mapping[str, Any]

    @torch.no_grad()
    def figures(self, source: Generator) -> Iterator[tuple[str, Figure]]:
        """Yield (file name, figure) of every still figure."""
        if self.dataset.kind is POINTS:
            yield from self._figures_of_points(source)
            return
        yield "reconstructions", self._reconstructions()
        if self.dataset.held_out_combinations is not None:
            yield "held_out", self._held_out(self.dataset.held_out_combinations)
        prior_NW = self.model.sample_prior(_SAMPLES, source)
        if prior_NW is not None:
            yield "samples", figures.samples(self._draw(prior_NW))
        positions, unit = positions_of(self.settings), unit_of(self.model)
        yield "traversals", figures.traversals(self.traversal_rows(), positions, unit)
        yield "interpolation", self._interpolation()
        if self.model.latents is not None:
            yield "information", self._information()
        yield "latents", self._latents()

    def _figures_of_points(self, source: Generator) -> Iterator[tuple[str, Figure]]:
        figure = plane_picture(self.model, self.dataset, self.encodings, source)
        if figure is not None:
            yield "plane", figure
        if self.model.latents is not None:
            yield "information", self._information()

    def traversal_rows(self) -> list[TraversalRow]:
        """Return a row per variable; see :func:`runner.evaluation.traversal_rows`."""
        known = self.summary["information"]["variable"]
        return traversal_rows(self.model, self.encodings, self.settings, known)

    @torch.no_grad()
    def animation(self) -> NDArray[np.uint8] | None:
        """Return the traversal as frames, (F, H, W, 3): all variables move at once, to and fro.

        Points in the plane have none.
        """
        points = self.dataset.kind is POINTS
        return None if points else figures.traversal_frames(self.traversal_rows())

    def _centres(self) -> Tensor:
        """Return the mean representations with the most probable category of Concrete variables."""
        return self.model.discretise(self.encodings.mean_MW)

    def _draw(self, z_NW: Tensor) -> NDArray[np.float32]:
        return self.model.decode(z_NW).cpu().numpy()

    def _originals(self, count: int) -> NDArray[np.float32]:
        images_NCHW = self.dataset.test.images(self.encodings.indices_M[:count])
        return self.dataset.kind.to_input(images_NCHW).cpu().numpy()

    def _reconstructions(self) -> Figure:
        reconstructions_NCHW = self._draw(self._centres()[:_RECONSTRUCTIONS])
        return figures.reconstructions(self._originals(_RECONSTRUCTIONS), reconstructions_NCHW)

    def _held_out(self, excluded: Split) -> Figure:
        """Draw images of the combinations that training never saw, and their reconstructions."""
        spread_N = torch.linspace(0, excluded.size - 1, min(_RECONSTRUCTIONS, excluded.size))
        images_NCHW = excluded.images(spread_N.long().to(self.encodings.z_MW.device))
        mean_NW = self.model.mean(self.model.encode(images_NCHW))
        rebuilt_NCHW = self._draw(self.model.discretise(mean_NW))
        originals_NCHW = self.dataset.kind.to_input(images_NCHW).cpu().numpy()
        return figures.reconstructions(originals_NCHW, rebuilt_NCHW)

    def _interpolation(self) -> Figure:
        """Draw the straight line between the representations of two images, for several pairs."""
        z_NW = self._centres()[: 2 * _PAIRS]
        originals_NCHW = self._originals(2 * _PAIRS)
        rows: list[NDArray[np.float32]] = []
        for left, right in zip(range(0, len(z_NW) - 1, 2), range(1, len(z_NW), 2), strict=True):
            way_T1 = torch.linspace(0, 1, _BETWEEN).to(z_NW)[:, None]
            between = self._draw(z_NW[left] + way_T1 * (z_NW[right] - z_NW[left]))
            rows.append(np.concatenate([originals_NCHW[[left]], between, originals_NCHW[[right]]]))
        return figures.interpolation(np.stack(rows))

    def _information(self) -> Figure:
        known = self.summary["information"]
        return figures.information(known["variable"], known["rate"], known["factor"])

    def _latents(self) -> Figure:
        count = min(self.settings.map_points, len(self.encodings))
        points_N2 = figures.latent_map(self.encodings.mean_MW[:count].cpu().numpy(), seed=0)
        return figures.latents(
            points_N2,
            self.encodings.factors_MF[:count, self.dataset.class_column].cpu().numpy(),
            self.dataset.class_names,
            f"t-SNE of the mean representations of {count:,} images",
        )
