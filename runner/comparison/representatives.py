"""The few runs of many whose models are looked at: which, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.directions import direction
from runner.comparison.grouping import by_dataset, distinguishing_settings, families, name_of
from runner.comparison.runs import ComparedRun
from runner.config import WEIGHT_NAMES

MOST = 4
"""Runs beside each other in one figure."""

_VARIABLE = "information/variable/"
_FACTOR = "information/factor/"


@dataclass(frozen=True)
class RepresentativeRun:
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


def choose_runs(comparison: Comparison) -> dict[str, list[RepresentativeRun]]:
    """Return up to four runs of each dataset, in the order of the comparison.

    Each objective has its best cell by the first figure, and then, as long as there is room, those
    farthest from it in the order of the settings: the
    best alone are often alike. Of each cell it
    is the run of the median seed. Where more objectives than four are compared, the best four.
    """
    metric = _metric(comparison)
    found: dict[str, list[RepresentativeRun]] = {}
    for dataset, configurations in by_dataset(comparison).items():
        parts = families(comparison, configurations)
        named = {
            id(c): distinguishing_settings(comparison, part)
            for part in parts.values()
            for c in part
        }
        found[dataset] = [
            RepresentativeRun(
                name_of(configuration, comparison.by, named[id(configuration)]),
                _median_run(configuration, metric),
            )
            for configuration in _choose_cells(configurations, list(parts.values()), metric)
        ]
    return found


def _metric(comparison: Comparison) -> str:
    """Return the first figure that says which run is better."""
    return next((name for name in comparison.metrics if direction(name)), "elbo")


def _choose_cells(
    configurations: Sequence[Configuration], parts: Sequence[Sequence[Configuration]], metric: str
) -> list[Configuration]:
    """Return the cells that stand for these parts of all cells."""
    best = _best_cells(parts, metric)
    leading = sorted(range(len(parts)), key=lambda i: -_merit(best[i], metric))[:MOST]
    others = [
        [configuration for configuration in parts[i] if configuration is not best[i]][::-1]
        for i in leading
    ]
    counts = [0] * len(leading)
    for i in [*range(len(leading))] * MOST:  # what room is left goes round
        if sum(counts) + len(leading) < MOST and counts[i] < len(others[i]):
            counts[i] += 1
    chosen = [best[i] for i in leading]
    for far, count in zip(others, counts, strict=True):
        chosen += [far[k] for k in np.linspace(0, len(far) - 1, count).round().astype(int)]
    return [
        configuration
        for configuration in configurations
        if any(configuration is other for other in chosen)
    ]


def _best_cells(parts: Sequence[Sequence[Configuration]], metric: str) -> list[Configuration]:
    """Return the best cell of each part, if possible one that does what no earlier one does."""
    best: list[Configuration] = []
    for part in parts:
        seen = [_doing(configuration) for configuration in best]
        new = [configuration for configuration in part if _doing(configuration) not in seen]
        best.append(max(new or part, key=lambda configuration: _merit(configuration, metric)))
    return best


def _doing(configuration: Configuration) -> dict[str, Any]:
    """Return what sets the training of a cell's runs, whatever it is called.

    HFVAE with all weights at one is a VAE.
    """
    called = {"objective.name", *WEIGHT_NAMES, "name"}
    of_objective = (key for key in configuration.runs[0].settings if key.startswith("objective."))
    keys = {*of_objective, *configuration.settings} - called
    return {key: configuration.runs[0].settings.get(key) for key in keys}


def _merit(configuration: Configuration, metric: str) -> float:
    """Return how good a cell is: more is better."""
    values = configuration.values(metric)
    return (direction(metric) or 1) * float(values.mean()) if len(values) else float("-inf")


def _median_run(configuration: Configuration, metric: str) -> ComparedRun:
    having = [run for run in configuration.runs if metric in run.metrics]
    if not having:
        return configuration.runs[0]
    return sorted(having, key=lambda run: run.metrics[metric])[(len(having) - 1) // 2]
