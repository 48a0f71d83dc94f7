"""Latent traversals: rows of images in which one variable changes and all others are fixed.

Shapes: N images, T steps of a traversal, V variables, W columns of z, C H W image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from runner import progress
from runner.config import EvaluationConfig
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import Representation


@dataclass(frozen=True)
class TraversalRow:
    """Images that differ in one variable; ``information`` is I(x; z_v) in nats.

    A discrete variable has a row per category, labelled ``name = category``, in which the columns
    differ in all other variables; the first of these rows has its information, the others None.
    Rows have None where the information is not known, as of a deterministic code of any numbers.
    """

    label: str
    information: float | None
    images_TCHW: NDArray[np.floating]


@dataclass(frozen=True)
class Traversal:
    """The traversals of one model: the image they start from, and a row per variable.

    ``positions`` are the values of the variable that moves, in ``unit``.
    """

    name: str
    original_CHW: NDArray[np.floating]
    rows: Sequence[TraversalRow]
    positions: Sequence[float]
    unit: str


def positions_of(model: Representation, settings: EvaluationConfig) -> list[float]:
    """Return the traversed values of a variable that is not discrete, (T,), in :func:`unit_of`.

    They are standard deviations; where variables take few values, the numbers of these, from 1 on.
    """
    for values_K in model.values.values():  # as many for each variable
        return [float(k + 1) for k in _spread(len(values_K), settings.traversal_steps)]
    reach = settings.traversal_range
    return np.linspace(-reach, reach, settings.traversal_steps).tolist()


def own_values(model: Representation, name: str, settings: EvaluationConfig) -> list[float]:
    """Return the traversed values of a variable of :attr:`Representation.values`, (T,).

    These are all of them, or evenly spread ones where there are more than steps.
    """
    values_K = model.values[name].tolist()
    return [values_K[k] for k in _spread(len(values_K), settings.traversal_steps)]


def _spread(count: int, most: int) -> list[int]:
    """Return the numbers below ``count``, or ``most`` of them from the first to the last."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()


def unit_of(model: Representation) -> str:
    """Return the unit of a traversal's positions."""
    if model.values:
        return "numbered from its smallest"
    whose = "code" if model.latents is None else "prior"
    return f"{whose} standard deviations"


@torch.no_grad()
def traversal_rows(
    model: Representation,
    encodings: Encodings,
    settings: EvaluationConfig,
    information: Mapping[str, float | None],
    most: int | None = None,
) -> list[TraversalRow]:
    """Return a row per variable, the most informative first; a row per category of a discrete one.

    A continuous variable's row starts from the first image's mean representation and moves that
    variable alone, to the values that it has if these are few. A category's row shows it with the
    other variables of several images, which are the same in every row unless they depend on the
    category (a conditional posterior).

    Args:
        model: the trained model.
        encodings: of the test images; those that are traversed come first.
        settings: number of steps and range.
        information: I(x; z_v) of each variable in nats, where it was estimated.
        most: how many variables are traversed, and categories of one of them; None: all.
    """
    rows: list[TraversalRow] = []
    columns = model.columns
    start_1W = model.code_given(encodings.parameters_MP[:1])
    scale = _scale(model, encodings)
    ordered = sorted(columns, key=lambda name: -(information.get(name) or 0.0))[:most]
    for name in progress.counted(ordered, "traversing", len(ordered)):
        known = information.get(name)
        if name in model.category_values:
            rows += islice(_category_rows(model, encodings, settings, name, known), most)
            continue
        if name in model.values:
            values = own_values(model, name, settings)
        else:
            middle, reach = scale[name]
            values = [middle + reach * position for position in positions_of(model, settings)]
        z_TW = start_1W.repeat(len(values), 1)
        z_TW[:, columns[name]] = torch.tensor(values).to(z_TW)[:, None]
        rows.append(TraversalRow(name, known, model.decode(z_TW).cpu().numpy()))
    return rows


def _scale(model: Representation, encodings: Encodings) -> dict[str, tuple[float, float]]:
    """Return (middle, one standard deviation) of each continuous variable.

    Those of the prior around zero; those of the codes themselves where there is no prior.
    """
    if model.latents is not None:
        return {name: (0.0, reach) for name, reach in model.latents.prior_std.items()}
    std_W, mean_W = torch.std_mean(encodings.mean_MW, dim=0)
    pairs_W = list(zip(mean_W.tolist(), std_W.tolist(), strict=True))
    discrete = model.category_values
    return {n: pairs_W[c.start] for n, c in model.columns.items() if n not in discrete}


def _category_rows(
    model: Representation,
    encodings: Encodings,
    settings: EvaluationConfig,
    name: str,
    information: float | None,
) -> Iterator[TraversalRow]:
    """Yield a row per category of a discrete variable."""
    steps_T = torch.arange(settings.traversal_steps)
    steps_T %= len(encodings)  # images are repeated, if there are fewer
    for category in range(len(model.category_values[name])):
        z_TW = model.code_given(encodings.parameters_MP[steps_T], {name: category})
        known = information if category == 0 else None
        yield TraversalRow(f"{name} = {category}", known, model.decode(z_TW).cpu().numpy())
