"""Every figure of a run, drawn from its model.

Shapes: N images, T steps of a traversal, W columns of z, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Generator, Tensor

from runner import progress
from runner.config import EvaluationConfig
from runner.dataset import COUNTS, IMAGES, POINTS, Dataset, Kind
from runner.evaluation.class_rows import class_rows
from runner.evaluation.encodings import Encodings
from runner.evaluation.latent_map import latent_map
from runner.evaluation.latent_plane import latent_plane
from runner.evaluation.representation import Representation
from runner.evaluation.text_tables import TextTable, text_tables
from runner.evaluation.traversal_rows import TraversalRow, positions_of, traversal_rows, unit_of
from runner.figures.animation import traversal_frames
from runner.figures.class_grid import class_grid
from runner.figures.drawn_table import drawn_table
from runner.figures.images import interpolation, reconstructions, samples
from runner.figures.information import information
from runner.figures.latents import latents
from runner.figures.notes import add_note
from runner.figures.plane import plane
from runner.figures.traversals import traversals

_RECONSTRUCTIONS = 24
_SAMPLES = 64
_PAIRS = 6
_STYLES = 10
"""Images whose style is drawn in every class, and styles drawn from the prior."""
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
        words = self.words()
        self._say_what_is_left_out()
        for place, (name, row) in enumerate(FIGURES.items()):
            progress.tell(name, place, len(FIGURES))
            if self.dataset.kind in row.kinds:
                figure = row.draw(self, source)
                if figure is not None:
                    yield name, add_note(figure, [row.note.format_map(words), words["trained"]])

    @property
    def traversed(self) -> EvaluationConfig:
        """The settings, with no more steps of a traversal than are drawn."""
        steps = min(self.settings.traversal_steps, _MOST_STEPS)
        return replace(self.settings, traversal_steps=steps)

    def traversal_rows(self) -> list[TraversalRow]:
        """Return a row per variable; see :func:`runner.evaluation.traversal_rows`."""
        known = self.summary["information"]["variable"]
        return traversal_rows(self.model, self.encodings, self.traversed, known, _MOST_VARIABLES)

    def words(self) -> dict[str, str]:
        """Return what the notes below figures say of the run, by the names of their parts."""
        count, size = len(self.encodings), len(self.model.columns)
        examples = self.dataset.kind.examples
        test = f"{count:,} test {examples}"
        split = self.dataset.held_out_combinations
        few = f"the {_MOST_VARIABLES} most informative of {size:,} variables"
        return {
            "test": test,
            "shown": f"{min(_RECONSTRUCTIONS, count)} test images",
            "pairs": f"{min(_PAIRS, count // 2)} pairs of test images",
            "samples": f"{_SAMPLES} codes",
            "styles": f"{min(_STYLES, count)} test images",
            "unseen": f"{split.size:,} images" if split is not None else "",
            "variables": few if size > _MOST_VARIABLES else f"{size:,} variable{'s' * (size != 1)}",
            "estimate": f"codes of {test}"
            if self.model.latents is None
            else f"information from {test}, q(z) from {self.summary['encodings']:,} encodings",
            "trained": f"trained on {examples} {' and '.join(self.unseen)}" if self.unseen else "",
        }

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

        What is no image has none.
        """
        drawn = self.dataset.kind is IMAGES
        return traversal_frames(self.traversal_rows()) if drawn else None

    @cached_property
    def tables(self) -> Sequence[TextTable]:
        """The tables of text that say what the model has learned, if it has any."""
        return list(text_tables(self.model, self.dataset, self.encodings))

    def centres(self) -> Tensor:
        """Return the mean codes with the most probable value of discrete variables."""
        return self.model.code_given(self.encodings.parameters_MP)

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
    codes_NW = run.model.code_given(run.model.encode(images_NCHW))
    originals_NCHW = run.dataset.kind.to_input(images_NCHW).cpu().numpy()
    return reconstructions(originals_NCHW, run.decode(codes_NW))


def _samples(run: RunFigures, source: Generator) -> Figure | None:
    prior_NW = run.model.sample_prior(_SAMPLES, source)
    return None if prior_NW is None else samples(run.decode(prior_NW))


def _traversals(run: RunFigures, _: Generator) -> Figure:
    return traversals(
        run.traversal_rows(), positions_of(run.model, run.traversed), unit_of(run.model)
    )


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


def _style_transfer(run: RunFigures, _: Generator) -> Figure | None:
    """Draw test images in every class, with the style of each."""
    originals_NCHW = run.originals(_STYLES)
    rows_NKCHW = class_rows(run.model, run.centres()[:_STYLES], _MOST_VARIABLES)
    names = run.dataset.class_names
    if rows_NKCHW is None:
        return None
    return class_grid(rows_NKCHW.cpu().numpy(), names, originals_NCHW)


def _analogies(run: RunFigures, source: Generator) -> Figure | None:
    """Draw styles from the prior in every class."""
    if run.model.classifier is None:
        return None
    prior_NW = run.model.sample_prior(_STYLES, source)
    rows_NKCHW = None if prior_NW is None else class_rows(run.model, prior_NW, _MOST_VARIABLES)
    if rows_NKCHW is None:
        return None
    return class_grid(rows_NKCHW.cpu().numpy(), run.dataset.class_names)


def _plane(run: RunFigures, source: Generator) -> Figure | None:
    found = latent_plane(run.model, run.dataset, run.encodings, source)
    return None if found is None else plane(*found)


def _table(name: str, run: RunFigures, _: Generator) -> Figure | None:
    found = next((table for table in run.tables if table.name == name), None)
    return None if found is None else drawn_table(found, _MOST_VARIABLES)


def _information(run: RunFigures, _: Generator) -> Figure | None:
    known = run.summary["information"]
    if not known["variable"]:
        return None
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
        f"t-SNE of the mean representations of {count:,} {run.dataset.kind.examples}",
    )


class _Row(NamedTuple):
    """How a figure is drawn, None where it cannot be, and for which runs."""

    draw: Callable[[RunFigures, Generator], Figure | None]
    note: str = ""
    """What is written below it in small type, with parts of ``RunFigures.words``."""
    kinds: Sequence[Kind] = (IMAGES,)
    """The kinds of data that it is of."""


FIGURES: Mapping[str, _Row] = {
    "reconstructions": _Row(_reconstructions, "{shown}, reconstructed from their mean codes"),
    "held_out": _Row(_held_out, "some of the {unseen} that training never saw"),
    "samples": _Row(_samples, "images of {samples} drawn from the prior p(z)"),
    "traversals": _Row(_traversals, "{variables}, each moved alone; {estimate}"),
    "interpolation": _Row(_interpolation, "straight lines between the mean codes of {pairs}"),
    "style_transfer": _Row(_style_transfer, "{styles}: the style of each in every class"),
    "analogies": _Row(_analogies, "each row a style drawn from the prior p(z), in every class"),
    "plane": _Row(_plane, "{test}, and as many encodings behind q(z)", (POINTS,)),
    "topics": _Row(partial(_table, "topics"), "{variables}; {test}", (COUNTS,)),
    "correlated_topics": _Row(partial(_table, "correlated_topics"), "{test}", (COUNTS,)),
    "information": _Row(_information, "{variables}; {estimate}", (IMAGES, POINTS, COUNTS)),
    "latents": _Row(_latents, kinds=(IMAGES, COUNTS)),
}
"""The still figures by the names of their files, in the order in which they are drawn."""
