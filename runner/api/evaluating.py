"""Scores of a run, and its dataset loaded for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext

from rich.console import Console

from runner import config as settings
from runner import progress
from runner.api.isolation import (
    own_environment,
    own_hydra,
    own_pieces,
    own_precision,
    plain_errors,
)
from runner.api.place import Place
from runner.config import MetricsConfig
from runner.config.metrics_schema import SHARED
from runner.console.run_display import make_console
from runner.errors import UsageError, nearest
from runner.runs.evaluate import score_again
from runner.runs.load import LoadedRun, RunLoader
from runner.runs.saved import use_plugins_of
from runner.store.scores_file import ScoresFile

_PLACES = ("device", "data_dir", "dataset.path", "dataset.factors", "wandb.")


def with_dataset(run: Place, overrides: Sequence[str]) -> LoadedRun:
    """Return a run with its dataset.

    Raises: UsageError for an override that is none of a place; DataError where data are missing.
    """
    for override in overrides:
        if "=" not in override or not override.startswith(_PLACES):
            hint = f"it takes {', '.join(_PLACES[1:])}*"
            raise UsageError(f"'{override}' does not say where data are", hint)
    loader = RunLoader(_quiet(), [f"device={run.device}", *overrides], trusted=run.trusted)
    with own_hydra(), progress.silenced():
        return loader.open(run.path)[0]


def evaluate(run: Place, names: Sequence[str], preset: str, *, verbose: bool) -> dict[str, float]:
    """Return scores of a run; see :meth:`runner.api.run.Run.evaluate`."""
    wanted = [name for name in names if "=" not in name]
    given = [name for name in names if "=" in name]
    of_metrics = [each for each in given if each.startswith("metrics.")]
    places = [each for each in given if not each.startswith("metrics.")]
    for override in places:
        if not override.startswith(_PLACES):
            hint = f"it takes metrics.*, {', '.join(_PLACES)}*"
            raise UsageError(f"evaluate cannot change '{override.partition('=')[0]}'", hint)
    console = make_console() if verbose else _quiet()
    with (
        plain_errors(),
        own_environment(),
        own_precision(),
        nullcontext() if verbose else progress.silenced(),
    ):
        loader = RunLoader(console, [f"device={run.device}", *places], trusted=run.trusted)
        with own_hydra():
            use_plugins_of(run.path, places, trusted=run.trusted)
            metrics = _only(settings.metrics(preset, of_metrics), wanted)
            loaded, wandb_id = loader.open(run.path)
        with own_pieces(loaded.config):
            keys = score_again(loaded, wandb_id, metrics)
        file = ScoresFile(run.path / "scores.json", {"step": loaded.step})
    return _numbers(file, keys, wanted)


def _only(metrics: MetricsConfig, names: Sequence[str]) -> MetricsConfig:
    """Return the settings of some metrics alone; without a name, of all.

    Raises: UsageError where there is no such metric, or the choice has no settings of it.
    """
    known = {name: value for name, value in vars(metrics).items() if _is_metric(metrics, name)}
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"metrics: {', '.join(known)}"
            raise UsageError(f"there is no metric '{name}'", hint)
        if known[name] is None:
            hint = "metrics='reference' has settings of all"
            raise UsageError(f"metrics={metrics.name} has no settings of '{name}'", hint)
    if not names:
        return metrics
    return dataclasses.replace(metrics, **{n: None for n in known if n not in names})


def _is_metric(metrics: MetricsConfig, name: str) -> bool:
    value = getattr(metrics, name)
    return name not in SHARED and (value is None or dataclasses.is_dataclass(value))


def _numbers(file: ScoresFile, keys: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """Return the numbers of scores by their names.

    Raises: UsageError where one that was asked for by name is not defined for these codes.
    """
    refused = {key: file.entries[key].get("refused") for key in keys}
    if wanted and keys and all(refused.values()):
        raise UsageError(f"{keys[0]}: {refused[keys[0]]}")
    return {
        f"{key.partition('/')[0]}/{name}": value
        for key in keys
        for name, value in file.entries[key].get("scores", {}).items()
    }


def _quiet() -> Console:
    return Console(quiet=True, force_terminal=False)
