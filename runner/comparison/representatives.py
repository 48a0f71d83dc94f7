"""The few runs of many whose models are looked at: which, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.comparison.configurations import Cell, Comparison
from runner.comparison.directions import direction
from runner.comparison.grouping import by_dataset, families, name_of, told_apart
from runner.comparison.runs import ComparedRun

MOST = 4
"""Runs beside each other in one figure."""

_VARIABLE = "information/variable/"
_FACTOR = "information/factor/"


@dataclass(frozen=True)
class Chosen:
    """A run that stands for its cell."""

    name: str
    run: ComparedRun

    @property
    def information(self) -> dict[str, float]:
        """I(x; z_v) of each variable in nats, the most informative first."""
        found = {
            key.removeprefix(_VARIABLE): value
            for key, value in self.run.metrics.items()
            if key.startswith(_VARIABLE)
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def factors(self) -> dict[str, dict[str, float]]:
        """I(factor; z_g) in nats, by group and factor."""
        found: dict[str, dict[str, float]] = {}
        for key, value in self.run.metrics.items():
            if key.startswith(_FACTOR):
                group, _, factor = key.removeprefix(_FACTOR).rpartition("/")
                found.setdefault(group, {})[factor] = value
        return found

    @property
    def discrete(self) -> frozenset[str]:
        """The variables with categories."""
        settings = self.run.settings
        own = {"category"} if settings.get("prior.name") == "concrete_normal" else set[str]()
        named = {key.split(".")[2] for key in settings if key.startswith("prior.discrete.")}
        return frozenset(own | named) & self.information.keys()


def choose_runs(comparison: Comparison) -> dict[str, list[Chosen]]:
    """Return up to four runs of each dataset, in the order of the comparison.

    Each objective has its best cell by the first figure, and then, as long as there is room, those
    farthest from it in the order of the settings: the
    best alone are often alike. Of each cell it
    is the run of the median seed. Where more objectives than four are compared, the best four.
    """
    metric = _metric(comparison)
    found: dict[str, list[Chosen]] = {}
    for dataset, cells in by_dataset(comparison).items():
        parts = families(comparison, cells)
        named = {id(c): told_apart(comparison, part) for part in parts.values() for c in part}
        found[dataset] = [
            Chosen(name_of(cell, comparison.by, named[id(cell)]), _median_run(cell, metric))
            for cell in _choose_cells(cells, list(parts.values()), metric)
        ]
    return found


def _metric(comparison: Comparison) -> str:
    """Return the first figure that says which run is better."""
    return next((name for name in comparison.metrics if direction(name)), "elbo")


def _choose_cells(
    cells: Sequence[Cell], parts: Sequence[Sequence[Cell]], metric: str
) -> list[Cell]:
    """Return the cells that stand for these parts of all cells."""
    best = _best_cells(parts, metric)
    leading = sorted(range(len(parts)), key=lambda i: -_merit(best[i], metric))[:MOST]
    others = [[cell for cell in parts[i] if cell is not best[i]][::-1] for i in leading]
    counts = [0] * len(leading)
    for i in [*range(len(leading))] * MOST:  # what room is left goes round
        if sum(counts) + len(leading) < MOST and counts[i] < len(others[i]):
            counts[i] += 1
    chosen = [best[i] for i in leading]
    for far, count in zip(others, counts, strict=True):
        chosen += [far[k] for k in np.linspace(0, len(far) - 1, count).round().astype(int)]
    return [cell for cell in cells if any(cell is other for other in chosen)]


def _best_cells(parts: Sequence[Sequence[Cell]], metric: str) -> list[Cell]:
    """Return the best cell of each part, if possible one that does what no earlier one does."""
    best: list[Cell] = []
    for part in parts:
        seen = [_doing(cell) for cell in best]
        new = [cell for cell in part if _doing(cell) not in seen]
        best.append(max(new or part, key=lambda cell: _merit(cell, metric)))
    return best


def _doing(cell: Cell) -> dict[str, Any]:
    """Return what sets the training of a cell's runs, whatever it is called.

    HFVAE with all weights at one is a VAE.
    """
    called = {"objective.name", "alpha", "beta", "gamma", "name"}
    of_objective = (key for key in cell.runs[0].settings if key.startswith("objective."))
    keys = {*of_objective, *cell.settings} - called
    return {key: cell.runs[0].settings.get(key) for key in keys}


def _merit(cell: Cell, metric: str) -> float:
    """Return how good a cell is: more is better."""
    values = cell.values(metric)
    return (direction(metric) or 1) * float(values.mean()) if len(values) else float("-inf")


def _median_run(cell: Cell, metric: str) -> ComparedRun:
    having = [run for run in cell.runs if metric in run.metrics]
    if not having:
        return cell.runs[0]
    return sorted(having, key=lambda run: run.metrics[metric])[(len(having) - 1) // 2]
