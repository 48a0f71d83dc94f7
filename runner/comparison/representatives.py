"""Representative runs: the few whose traversals and information are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.comparison.best import merit
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import by_dataset, distinguishing_settings, families, name_of
from runner.comparison.runs import ComparedRun
from runner.config import WEIGHT_NAMES
from runner.metric.quantities import quantity

MOST = 4
"""Runs side by side in one figure."""

_VARIABLE = "information/variable/"
_FACTOR = "information/factor/"


@dataclass(frozen=True)
class RepresentativeRun:
    """A run that stands for its configuration."""

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
    """Return up to four representative runs per dataset, in the order of the comparison.

    They are of the best configuration of each objective (of the four best objectives, if there are
    more), then of the configurations whose settings differ most from these; of each configuration
    it is the run with the median of the main metric.
    """
    metric = _metric(comparison)
    found: dict[str, list[RepresentativeRun]] = {}
    for dataset, configurations in by_dataset(comparison).items():
        parts = list(families(comparison, configurations).values())
        settings = [distinguishing_settings(comparison, part) for part in parts]
        named = {id(c): s for part, s in zip(parts, settings, strict=True) for c in part}
        found[dataset] = [
            RepresentativeRun(
                name_of(configuration, comparison.by, named[id(configuration)]),
                _median_run(configuration, metric),
            )
            for configuration in _choose_configurations(configurations, parts, metric)
        ]
    return found


def _metric(comparison: Comparison) -> str:
    """Return the first chosen metric that has a better direction."""
    return next((name for name in comparison.metrics if quantity(name).sign), "elbo")


def _choose_configurations(
    configurations: Sequence[Configuration], parts: Sequence[Sequence[Configuration]], metric: str
) -> list[Configuration]:
    """Return up to ``MOST`` of the configurations, which ``parts`` groups by objective."""
    best = _best_of_parts(parts, metric)
    leading = sorted(range(len(parts)), key=lambda i: -merit(best[i], metric))[:MOST]
    others = [[each for each in parts[i] if each is not best[i]][::-1] for i in leading]
    counts = [0] * len(leading)
    for i in [*range(len(leading))] * MOST:  # the room that is left, shared out in turn
        if sum(counts) + len(leading) < MOST and counts[i] < len(others[i]):
            counts[i] += 1
    chosen = [best[i] for i in leading]
    for far, count in zip(others, counts, strict=True):
        chosen += [far[k] for k in np.linspace(0, len(far) - 1, count).round().astype(int)]
    kept = {id(configuration) for configuration in chosen}
    return [configuration for configuration in configurations if id(configuration) in kept]


def _best_of_parts(parts: Sequence[Sequence[Configuration]], metric: str) -> list[Configuration]:
    """Return the best configuration of each part, if possible one that trains unlike the others."""
    best: list[Configuration] = []
    for part in parts:
        seen = [_training_settings(configuration) for configuration in best]
        new = [each for each in part if _training_settings(each) not in seen]
        best.append(max(new or part, key=lambda configuration: merit(configuration, metric)))
    return best


def _training_settings(configuration: Configuration) -> dict[str, Any]:
    """Return the settings that decide how a model is trained, without the name of its objective.

    HFVAE with all weights at one and a VAE have the same.
    """
    names = {"objective.name", *WEIGHT_NAMES, "name"}
    of_objective = (key for key in configuration.runs[0].settings if key.startswith("objective."))
    keys = {*of_objective, *configuration.settings} - names
    return {key: configuration.runs[0].settings.get(key) for key in keys}


def _median_run(configuration: Configuration, metric: str) -> ComparedRun:
    having = [run for run in configuration.runs if metric in run.metrics]
    if not having:
        return configuration.runs[0]
    return sorted(having, key=lambda run: run.metrics[metric])[(len(having) - 1) // 2]
