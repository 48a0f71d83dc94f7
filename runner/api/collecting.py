"""Many runs: found by their settings, and side by side as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from runner.api.isolation import plain_errors
from runner.api.run import Run
from runner.comparison.configurations import varying_settings
from runner.comparison.names import choose_setting, short_names
from runner.comparison.runs import ComparedRun, read_runs, setting_value
from runner.errors import UsageError
from runner.store.find_runs import runs_beneath

if TYPE_CHECKING:
    from pandas import DataFrame

_STATE = "state"


@plain_errors()
def find_runs(
    path: str | Path = "outputs", *, device: str = "cpu", trust: bool = False, **filters: object
) -> list[Run]:
    """Return the runs beneath a folder, in natural order: ``find_runs("outputs", beta=4)``.

    Args:
        path: a folder of runs, or of grids, or of both; or one run.
        device: where the models of the runs compute; see :class:`Run`.
        trust: see :func:`load_run`.
        filters: settings and their values: ``objective="hfvae"``, ``prior__dimensions=10`` for
            ``prior.dimensions``, ``beta=[1, 4]`` for either of two; and ``state="finished"``.

    Raises: UsageError where there is no such folder, or no run has such a setting; DataError where
        the settings of a run are corrupt.
    """
    place = Path(path).expanduser()
    if not place.is_dir():
        raise UsageError(f"there is no folder '{place}'")
    try:
        paths = runs_beneath(place)
    except UsageError:
        return []
    if not filters:
        return [Run(each, device, trust=trust) for each in paths]
    found = read_runs([place])
    wanted = _wanted(filters, found)
    return [
        Run(each.path, device, trust=trust)
        for each in found
        if all(_value(each, key) in values for key, values in wanted.items())
    ]


def _wanted(
    filters: Mapping[str, object], found: Sequence[ComparedRun]
) -> dict[str, tuple[object, ...]]:
    """Return the settings that are asked for by their dotted names, and the values that count."""
    known = dict.fromkeys(key for run in found for key in run.settings)
    wanted: dict[str, tuple[object, ...]] = {}
    for name, value in filters.items():
        dotted = name.replace("__", ".")
        key = _STATE if name == _STATE else choose_setting(dotted, known, ())
        several = isinstance(value, list | tuple | set | frozenset)
        values = list(cast("Iterable[object]", value)) if several else [value]
        wanted[key] = tuple(setting_value(each) for each in values)
        if several:  # a setting may itself be a list
            wanted[key] = (*wanted[key], setting_value(values))
    return wanted


def _value(run: ComparedRun, key: str) -> object:
    return run.state if key == _STATE else run.settings.get(key)


@plain_errors()
def compare(runs: str | Path | Run | Iterable[str | Path | Run]) -> DataFrame:
    """Return a table with a row per run: how they differ, how far they are, what came of them.

    The index is the path. The columns are the settings that differ, by short names, and ``seed``;
    ``state``; and the numbers of ``summary.json`` and ``scores.json``, such as ``elbo``,
    ``terms/reconstruction`` and ``scores/mean/mig``.

    Args:
        runs: runs, or paths of runs, grids or folders of them.

    Raises: UsageError where there is no run; DataError where a file of one is corrupt.
    """
    import pandas as pd

    given = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    paths = [each.path if isinstance(each, Run) else Path(each).expanduser() for each in given]
    if not paths:
        raise UsageError("there is no run to compare")
    found = read_runs(paths)
    varying = varying_settings(found)
    names = short_names(varying)
    metrics = list(dict.fromkeys(name for run in found for name in run.metrics))
    rows = [
        {names[key]: run.settings.get(key) for key in varying}
        | {"seed": run.seed, _STATE: run.state}
        | {name: run.metrics.get(name) for name in metrics}
        for run in found
    ]
    index = pd.Index([str(run.path) for run in found], name="run")
    return pd.DataFrame(rows, index=index)
