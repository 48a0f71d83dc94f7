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
from runner.dataset import Dataset, Split
from runner.evaluation import figures
from runner.evaluation.encodings import Encodings
from runner.evaluation.figures import TraversalRow
from runner.evaluation.plane_pictures import plane_picture
from runner.model import VAE
from runner.model.vae import to_unit

_RECONSTRUCTIONS = 24
_SAMPLES = 64
_PAIRS = 6
_BETWEEN = 9
"""Images in a row of the interpolation, both ends included."""


@dataclass(frozen=True)
class Pictures:
    """The model, the images and the settings that the figures are drawn from."""

    model: VAE
    dataset: Dataset
    encodings: Encodings
    settings: EvaluationConfig
    summary: Mapping[str, Any]

    @torch.no_grad()
    def figures(self, source: Generator) -> Iterator[tuple[str, Figure]]:
        """Yield (file name, figure) of every still figure."""
        if self.dataset.is_plane:
            yield from self._figures_of_points(source)
            return
        yield "reconstructions", self._reconstructions()
        if self.dataset.excluded is not None:
            yield "held_out", self._held_out(self.dataset.excluded)
        prior = self.model.open_prior()
        if prior.has_density:
            shape = (_SAMPLES, prior.uniforms)
            uniform_NU = torch.rand(shape, generator=source, device=source.device)
            yield "samples", figures.samples(self._draw(prior.prior_sample(uniform_NU)))
        whose = "prior" if prior.has_density else "code"
        unit = f"{whose} standard deviations"
        yield "traversals", figures.traversals(self.traversal_rows(), self._positions(), unit)
        yield "interpolation", self._interpolation()
        if prior.has_density:
            yield "information", self._information()
        yield "latents", self._latents()

    def _figures_of_points(self, source: Generator) -> Iterator[tuple[str, Figure]]:
        figure = plane_picture(self.model, self.dataset, self.encodings, source)
        if figure is not None:
            yield "plane", figure
        if self.model.prior.has_density:
            yield "information", self._information()

    @torch.no_grad()
    def traversal_rows(self) -> list[TraversalRow]:
        """Return a row per variable, most informative first; for a Concrete one, a row per class.

        A normal's row starts from one image's mean representation and moves that variable alone. A
        class's row shows the class in the styles of several images, the same ones in every row.
        """
        known: Mapping[str, float | None] = self.summary["information"]["variable"]
        rows: list[TraversalRow] = []
        columns = self.model.prior.columns
        spread = self._spread()
        for name in sorted(columns, key=lambda name: -(known.get(name) or 0.0)):
            if name in spread:
                middle, reach = spread[name]
                positions = [middle + reach * position for position in self._positions()]
                rows.append(self._traversal_row(name, known.get(name), columns[name], positions))
            else:
                rows += self._class_rows(name, known.get(name), columns[name])
        return rows

    def _spread(self) -> dict[str, tuple[float, float]]:
        """Return (middle, one standard deviation) of the traversal of each continuous variable.

        Those of the prior, which is centred; or of the codes themselves, where there is no prior.
        """
        prior = self.model.open_prior()
        if prior.has_density:
            return {name: (0.0, reach) for name, reach in prior.spread.items()}
        std_V, mean_V = torch.std_mean(self.encodings.centre_MW, dim=0)
        pairs = zip(mean_V.tolist(), std_V.tolist(), strict=True)
        return dict(zip(prior.variable_names, pairs, strict=True))

    @torch.no_grad()
    def animation(self) -> NDArray[np.uint8] | None:
        """Return the traversal as frames, (F, H, W, 3): all variables move at once, to and fro.

        Points in the plane have none.
        """
        return None if self.dataset.is_plane else figures.traversal_frames(self.traversal_rows())

    def _traversal_row(
        self, name: str, information: float | None, columns: slice, positions: list[float]
    ) -> TraversalRow:
        z_TW = self._centres()[:1].repeat(self.settings.traversal_steps, 1)
        z_TW[:, columns] = torch.tensor(positions).to(z_TW)[:, None]
        return TraversalRow(name, information, self._draw(z_TW))

    def _class_rows(
        self, name: str, information: float | None, columns: slice
    ) -> Iterator[TraversalRow]:
        steps = torch.arange(self.settings.traversal_steps)
        centres_TW = self._centres()[steps % len(self.encodings)]  # again from the first, if few
        variable = self.model.prior.discrete.variables[name]
        for category in range(variable.categories):
            z_TW = centres_TW.clone()
            categories_T = torch.full_like(steps, category).to(z_TW.device)
            z_TW[:, columns] = variable.as_value(categories_T, z_TW)
            first = information if category == 0 else None  # its bar is drawn once
            yield TraversalRow(f"{name} = {category}", first, self._draw(z_TW))

    def _positions(self) -> list[float]:
        reach = self.settings.traversal_range
        return np.linspace(-reach, reach, self.settings.traversal_steps).tolist()

    def _centres(self) -> Tensor:
        """Return the mean representations with the most probable category of Concrete variables."""
        return self.model.prior.harden(self.encodings.centre_MW)

    def _draw(self, z_NW: Tensor) -> NDArray[np.float32]:
        return self.model.draw(z_NW).cpu().numpy()

    def _originals(self, count: int) -> NDArray[np.float32]:
        images_NCHW = self.dataset.test.images(self.encodings.indices_M[:count])
        return to_unit(images_NCHW).cpu().numpy()

    def _reconstructions(self) -> Figure:
        reconstructions_NCHW = self._draw(self._centres()[:_RECONSTRUCTIONS])
        return figures.reconstructions(self._originals(_RECONSTRUCTIONS), reconstructions_NCHW)

    def _held_out(self, excluded: Split) -> Figure:
        """Draw images of the combinations that training never saw, and their reconstructions."""
        spread_N = torch.linspace(0, excluded.size - 1, min(_RECONSTRUCTIONS, excluded.size))
        images_NCHW = excluded.images(spread_N.long().to(self.encodings.z_MW.device))
        centre_NW = self.model.prior.centre(self.model.encode(images_NCHW))
        rebuilt_NCHW = self._draw(self.model.prior.harden(centre_NW))
        return figures.reconstructions(to_unit(images_NCHW).cpu().numpy(), rebuilt_NCHW)

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
        names = [factor.name for factor in self.dataset.factors]
        classes_MF = self.encodings.factors_MF[:count]
        points_N2 = figures.latent_map(self.encodings.centre_MW[:count].cpu().numpy(), seed=0)
        return figures.latents(
            points_N2,
            classes_MF[:, names.index(self.dataset.class_factor)].cpu().numpy(),
            self.dataset.class_names,
            f"t-SNE of the mean representations of {count:,} images",
        )
