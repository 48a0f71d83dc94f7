"""Every figure of a run, drawn from its model.

Shapes: N images, T steps of a traversal, W columns of z, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner import progress
from runner.config import EvaluationConfig
from runner.dataset import POINTS, Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.latent_map import latent_map
from runner.evaluation.latent_plane import latent_plane
from runner.evaluation.representation import Representation
from runner.evaluation.traversal_rows import TraversalRow, positions_of, traversal_rows, unit_of
from runner.figures.animation import traversal_frames
from runner.figures.images import interpolation, reconstructions, samples
from runner.figures.information import information
from runner.figures.latents import latents
from runner.figures.notes import add_note
from runner.figures.plane import plane
from runner.figures.traversals import traversals

_RECONSTRUCTIONS = 24
_SAMPLES = 64
_PAIRS = 6
_BETWEEN = 9
"""Images in a row of the interpolation, both ends included."""

_MOST_VARIABLES = 50
"""Variables that are traversed and drawn, and categories of one of them."""

_MOST_FACTORS = 30
_MOST_STEPS = 25
"""Images in a row of the traversal, and frames of its animation from one end to the other."""

_MOST_POINTS = 20_000
"""Of the map: with more, t-SNE takes hours."""


@dataclass(frozen=True)
class RunFigures:
    """The model, the images and the settings that the figures of a run are drawn from."""

    model: Representation
    dataset: Dataset
    encodings: Encodings
    settings: EvaluationConfig
    summary: Mapping[str, Any]
    unseen: Sequence[str] = ()
    """What the training images lack, in words: held-out combinations, a correlation."""

    @torch.no_grad()
    def figures(self, source: Generator) -> Iterator[tuple[str, Figure]]:
        """Yield (file name, figure) of every still figure that makes sense for the run."""
        points, density = self.dataset.kind is POINTS, self.model.latents is not None
        self._say_what_is_left_out()
        for place, (name, row) in enumerate(FIGURES.items()):
            progress.tell(name, place, len(FIGURES))
            if (row.of_points if points else row.of_images) and (density or not row.of_densities):
                figure = row.draw(self, source)
                if figure is not None:
                    yield name, add_note(figure, [row.note(self), *self._trained()])

    @property
    def traversed(self) -> EvaluationConfig:
        """The settings, with no more steps of a traversal than are drawn."""
        steps = min(self.settings.traversal_steps, _MOST_STEPS)
        return replace(self.settings, traversal_steps=steps)

    def traversal_rows(self) -> list[TraversalRow]:
        """Return a row per variable; see :func:`runner.evaluation.traversal_rows`."""
        known = self.summary["information"]["variable"]
        return traversal_rows(self.model, self.encodings, self.traversed, known, _MOST_VARIABLES)

    def _trained(self) -> list[str]:
        return [f"trained on images {' and '.join(self.unseen)}"] if self.unseen else []

    def variables(self) -> str:
        """Return which variables are drawn, in words."""
        count = len(self.model.columns)
        few = f"the {_MOST_VARIABLES} most informative of {count:,} variables"
        return few if count > _MOST_VARIABLES else f"{count:,} variable{'s' * (count != 1)}"

    def estimate(self) -> str:
        """Return how information was estimated, in words."""
        if self.model.latents is None:
            return f"codes of {len(self.encodings):,} test images"
        images, encodings = self.summary["images"], self.summary["encodings"]
        return f"information from {images:,} test images, q(z) from {encodings:,} encodings"

    def _say_what_is_left_out(self) -> None:
        known = self.summary["information"]
        sizes = {
            "variables, the most informative ones": (len(self.model.columns), _MOST_VARIABLES),
            "steps of a traversal": (self.settings.traversal_steps, _MOST_STEPS),
            "factors": (max(map(len, known["factor"].values()), default=0), _MOST_FACTORS),
            "points of the map": (
                min(self.settings.map_points, len(self.encodings)),
                _MOST_POINTS,
            ),
        }
        parts = [
            f"{most:,} of {size:,} {what}" for what, (size, most) in sizes.items() if size > most
        ]
        if parts:
            progress.left_out(f"figures show {' and '.join(parts)}")

    @torch.no_grad()
    def animation(self) -> NDArray[np.uint8] | None:
        """Return the traversal as frames, (F, H, W, 3): all variables move at once, to and fro.

        Points in the plane have none.
        """
        points = self.dataset.kind is POINTS
        return None if points else traversal_frames(self.traversal_rows())

    def centres(self) -> Tensor:
        """Return the mean codes with the most probable value of discrete variables."""
        return self.model.discretise(self.encodings.mean_MW)

    def decode(self, z_NW: Tensor) -> NDArray[np.float32]:
        """Return the images of codes, between 0 and 1."""
        return self.model.decode(z_NW).cpu().numpy()

    def originals(self, count: int) -> NDArray[np.float32]:
        """Return the first encoded images, between 0 and 1."""
        images_NCHW = self.dataset.test.images(self.encodings.indices_M[:count])
        return self.dataset.kind.to_input(images_NCHW).cpu().numpy()


def _reconstructions(run: RunFigures, _: Generator) -> Figure:
    rebuilt_NCHW = run.decode(run.centres()[:_RECONSTRUCTIONS])
    return reconstructions(run.originals(_RECONSTRUCTIONS), rebuilt_NCHW)


def _held_out(run: RunFigures, _: Generator) -> Figure | None:
    """Draw images of the combinations that training never saw, and their reconstructions."""
    split = run.dataset.held_out_combinations
    if split is None:
        return None
    spread_N = torch.linspace(0, split.size - 1, min(_RECONSTRUCTIONS, split.size))
    images_NCHW = split.images(spread_N.long().to(run.encodings.z_MW.device))
    mean_NW = run.model.mean(run.model.encode(images_NCHW))
    originals_NCHW = run.dataset.kind.to_input(images_NCHW).cpu().numpy()
    return reconstructions(originals_NCHW, run.decode(run.model.discretise(mean_NW)))


def _samples(run: RunFigures, source: Generator) -> Figure | None:
    prior_NW = run.model.sample_prior(_SAMPLES, source)
    return None if prior_NW is None else samples(run.decode(prior_NW))


def _traversals(run: RunFigures, _: Generator) -> Figure:
    return traversals(run.traversal_rows(), positions_of(run.traversed), unit_of(run.model))


def _interpolation(run: RunFigures, _: Generator) -> Figure:
    """Draw the straight line between the codes of two images, for several pairs."""
    z_NW = run.centres()[: 2 * _PAIRS]
    originals_NCHW = run.originals(2 * _PAIRS)
    rows: list[NDArray[np.float32]] = []
    for left, right in zip(range(0, len(z_NW) - 1, 2), range(1, len(z_NW), 2), strict=True):
        way_T1 = torch.linspace(0, 1, _BETWEEN).to(z_NW)[:, None]
        between = run.decode(z_NW[left] + way_T1 * (z_NW[right] - z_NW[left]))
        rows.append(np.concatenate([originals_NCHW[[left]], between, originals_NCHW[[right]]]))
    return interpolation(np.stack(rows))


def _plane(run: RunFigures, source: Generator) -> Figure | None:
    found = latent_plane(run.model, run.dataset, run.encodings, source)
    return None if found is None else plane(*found)


def _information(run: RunFigures, _: Generator) -> Figure:
    known = run.summary["information"]
    variables, groups = known["variable"], known["factor"]
    factors = {f: max(row[f] for row in groups.values()) for f in next(iter(groups.values()))}
    drawn = _largest(factors, _MOST_FACTORS)
    highest = variables
    if set(groups) != set(variables):
        highest = {name: max(row.values(), default=0.0) for name, row in groups.items()}
    return information(
        {name: variables[name] for name in _largest(variables, _MOST_VARIABLES)},
        known["rate"],
        {g: {f: groups[g][f] for f in drawn} for g in _largest(highest, _MOST_VARIABLES)},
        run.model.category_values.keys(),
    )


def _largest(values: Mapping[str, float], most: int) -> list[str]:
    """Return the names of the largest values, in their order."""
    chosen = set(sorted(values, key=lambda name: -values[name])[:most])
    return [name for name in values if name in chosen]


def _latents(run: RunFigures, _: Generator) -> Figure:
    count = min(run.settings.map_points, len(run.encodings), _MOST_POINTS)
    points_N2 = latent_map(run.encodings.mean_MW[:count].cpu().numpy(), seed=0)
    column = run.dataset.class_column
    factors_MF = run.encodings.factors_MF[:count]
    classes_N = torch.zeros(count) if column is None else factors_MF[:, column]
    return latents(
        points_N2,
        classes_N.long().cpu().numpy(),
        run.dataset.class_names,
        f"t-SNE of the mean representations of {count:,} images",
    )


def _nothing(_: RunFigures) -> str:
    return ""


def _note_of_held_out(run: RunFigures) -> str:
    split = run.dataset.held_out_combinations
    size = 0 if split is None else split.size
    return f"{min(_RECONSTRUCTIONS, size)} of {size:,} images that training never saw"


class _Row(NamedTuple):
    """How a figure is drawn, None where it cannot be, and for which runs."""

    draw: Callable[[RunFigures, Generator], Figure | None]
    note: Callable[[RunFigures], str] = _nothing
    """What is written below it in small type: how many images are behind it."""
    of_images: bool = True
    of_points: bool = False
    of_densities: bool = False
    """Whether it needs q(z|x) and p(z), which a deterministic code does not have."""


FIGURES: Mapping[str, _Row] = {
    "reconstructions": _Row(
        _reconstructions,
        lambda run: f"{min(_RECONSTRUCTIONS, len(run.encodings))} test images, from their means",
    ),
    "held_out": _Row(_held_out, _note_of_held_out),
    "samples": _Row(_samples, lambda _: f"images of {_SAMPLES} codes drawn from the prior p(z)"),
    "traversals": _Row(
        _traversals,
        lambda run: f"{run.variables()}, each alone moved from one test image; {run.estimate()}",
    ),
    "interpolation": _Row(
        _interpolation,
        lambda run: f"straight lines between the mean codes of "
        f"{min(_PAIRS, len(run.encodings) // 2)} pairs of test images",
    ),
    "plane": _Row(
        _plane,
        lambda run: f"{len(run.encodings):,} test points; q(z) from all of their encodings",
        of_images=False,
        of_points=True,
    ),
    "information": _Row(
        _information,
        lambda run: f"{run.variables()}; {run.estimate()}",
        of_points=True,
        of_densities=True,
    ),
    "latents": _Row(_latents),
}
"""The still figures by the names of their files, in the order in which they are drawn."""
