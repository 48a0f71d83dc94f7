"""Runs grouped into configurations: the runs of a configuration differ in their seed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.comparison.effective_settings import EffectiveSettings, effective_settings
from runner.comparison.names import choose_metrics, choose_settings, short_names, value_text
from runner.comparison.runs import ComparedRun
from runner.config import WEIGHT_NAMES
from runner.errors import UsageError

_OBJECTIVE = "objective.name"

_NO_DIFFERENCE = (
    "seed", "name", "out", "data_dir", "device", "sweep_name", "wandb.", "tracking.",
    "metrics.", "plugins",
    "training.record_every", "training.checkpoint_minutes", "training.compile",
    "evaluation.map_points", "evaluation.traversal_", "init.step", "init.sha256", "figures.",
)  # fmt: skip
"""Settings that change neither the trained model nor its metrics, and the seed."""


@dataclass(frozen=True)
class Configuration:
    """Runs with the same values of ``Comparison.by``; they differ in their seed or are pooled."""

    settings: Mapping[str, Any]
    """The values of ``Comparison.by``, by their full names; None where one has no effect."""
    runs: tuple[ComparedRun, ...]

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric of the R runs that have it, in the order of the runs, (R,)."""
        return np.array([run.metrics[metric] for run in self.runs if metric in run.metrics])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The distinct seeds, sorted."""
        return tuple(sorted({run.seed for run in self.runs}))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets of the runs: one, unless runs of several are pooled."""
        names = (str(run.settings.get("dataset.name", "")) for run in self.runs)
        return tuple(dict.fromkeys(names))

    @property
    def label(self) -> str:
        """The distinguishing settings in short: ``hfvae  beta 12  gamma 4``."""
        short = short_names(self.settings)
        parts = [
            value_text(value) if key.endswith(".name") else f"{short[key]} {value_text(value)}"
            for key, value in self.settings.items()
            if value is not None
        ]
        return "  ".join(parts) or "all runs"


@dataclass(frozen=True)
class Comparison:
    """The configurations of some runs, and the metrics that they are compared by."""

    configurations: tuple[Configuration, ...]
    by: tuple[str, ...]
    """The distinguishing settings by their dotted names, the objective first."""
    metrics: tuple[str, ...]
    """The chosen metrics, the main one first."""
    excluded: tuple[ComparedRun, ...]
    """Runs that are not finished."""
    duplicates: tuple[ComparedRun, ...] = ()
    """Finished runs with the settings and the seed of a later one, which counts instead."""
    pooled: tuple[str, ...] = ()
    """Settings other than the seed in which runs of one configuration differ."""

    @property
    def runs(self) -> tuple[ComparedRun, ...]:
        """The runs of all configurations."""
        return tuple(run for configuration in self.configurations for run in configuration.runs)


def compare_runs(
    runs: Sequence[ComparedRun], by: Sequence[str] | None, metrics: Sequence[str] | None
) -> Comparison:
    """Return the finished runs grouped into configurations, sorted by their settings.

    Args:
        runs: all runs, of any state, in natural order.
        by: short names of the distinguishing settings; None: all that vary and have an effect.
        metrics: short names of metrics; None: the default columns, ``["all"]``: all.

    Raises: UsageError when no run is finished, or a name is unknown or ambiguous.
    """
    finished = [run for run in runs if run.state == "finished"]
    if not finished:
        raise UsageError("none of these runs is finished", ", ".join(count_states(runs)))
    own = [effective_settings(run) for run in finished]
    varying = _varying(own)
    chosen = _standard(varying) if by is None else _asked(by, finished, varying)
    latest = {
        (run.seed, *(each.values.get(key) for key in varying)): place
        for place, (each, run) in enumerate(zip(own, finished, strict=True))
    }
    counted = set(latest.values())
    gathered: dict[tuple[Any, ...], list[int]] = {}
    for place in sorted(counted, key=lambda place: finished[place].seed):
        seen = own[place].values if by is None else _as_given(own[place], finished[place])
        gathered.setdefault(tuple(seen.get(key) for key in chosen), []).append(place)
    configurations = [
        Configuration(
            dict(zip(chosen, values, strict=True)), tuple(finished[p] for p in gathered[values])
        )
        for values in sorted(gathered, key=lambda values: [_rank(value) for value in values])
    ]
    available = {name for place in counted for name in finished[place].metrics}
    return Comparison(
        tuple(configurations),
        chosen,
        choose_metrics(metrics, available),
        excluded=tuple(run for run in runs if run.state != "finished"),
        duplicates=tuple(run for place, run in enumerate(finished) if place not in counted),
        pooled=_pooled(gathered.values(), own, [key for key in varying if key not in chosen]),
    )


def varying_settings(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """Return the settings by dotted names that differ between runs and have an effect.

    The objective and its weights come first; the seed is not among them.
    """
    varying = _varying([effective_settings(run) for run in runs])
    return tuple(key for key in _standard(varying) if key in varying)


def count_states(runs: Iterable[ComparedRun]) -> list[str]:
    """Return the number of runs in each state: ``["2 running", "1 diverged"]``."""
    return [f"{count} {state}" for state, count in Counter(run.state for run in runs).items()]


def _varying(own: Sequence[EffectiveSettings]) -> list[str]:
    """Return the settings that have an effect and differ between runs, in their order."""
    keys = dict.fromkeys(key for each in own for key in each.values)
    return [key for key in keys if not key.startswith(_NO_DIFFERENCE) and _varies(key, own)]


def _varies(key: str, own: Sequence[EffectiveSettings]) -> bool:
    having = [each for each in own if key in each.values]
    if all(key in each.following for each in having):
        # They follow from the choices, which are compared; but a choice's YAML may have changed.
        values = {(each.following[key], each.values[key]) for each in having}
        return len(values) > len({each.following[key] for each in having})
    # Ignore runs where this setting has no effect.
    affected = [each for each in own if key not in each.unused]
    return len({each.values.get(key) for each in affected}) > 1


def _standard(varying: Sequence[str]) -> tuple[str, ...]:
    first = [key for key in WEIGHT_NAMES if key in varying]
    return tuple(dict.fromkeys([_OBJECTIVE, *first, *varying]))


def _asked(
    by: Sequence[str], finished: Sequence[ComparedRun], varying: Sequence[str]
) -> tuple[str, ...]:
    known = dict.fromkeys(key for run in finished for key in run.settings)
    return choose_settings(by, known, varying)


def _as_given(own: EffectiveSettings, run: ComparedRun) -> Mapping[str, Any]:
    """Return the settings of a run, None for the weights that have no effect in it."""
    unused = {name: None for name in WEIGHT_NAMES if name not in own.values}
    return {**run.settings, **unused}


def _pooled(
    configurations: Iterable[Sequence[int]], own: Sequence[EffectiveSettings], others: Sequence[str]
) -> tuple[str, ...]:
    """Return which other settings differ within a configuration."""
    found = {
        key
        for places in configurations
        for key in others
        if len({own[place].values.get(key) for place in places}) > 1
    }
    return tuple(key for key in others if key in found)


def _rank(value: object) -> tuple[int, float, str]:
    """Return a sort key: None before numbers before texts."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, str(value)
