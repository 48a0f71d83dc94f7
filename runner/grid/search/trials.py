"""The runs of a search as a worker meets them: their settings, their end, when they stop early."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UsageError, VaerunError
from runner.grid.folder import GridFolder
from runner.grid.search.objective import outcomes
from runner.grid.search.stopping import Rule
from runner.store.lock import lock
from runner.store.run_folder import RunFolder

if TYPE_CHECKING:
    from runner.grid.search.study import Study
    from runner.grid.space import Search

_SECONDS = 60.0
"""How long to wait while another process chooses settings, or notes a result."""


def require_optuna() -> None:
    """Check that Optuna is installed.

    Raises: UsageError with the command that installs it.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UsageError("a search needs Optuna", "pip install 'vaerun[search]'")


def trials_of(grid: GridFolder) -> Trials | KnownRuns:
    """Return the runs of a search, or those of a grid.

    Raises: UsageError when Optuna is missing, and it is a search.
    """
    if grid.search is None:
        return KnownRuns(grid)
    require_optuna()
    return Trials(grid.path, grid.search)


class KnownRuns:
    """The runs of a grid: their settings are known beforehand, and none stops early."""

    def __init__(self, grid: GridFolder) -> None:
        self._grid = grid

    def is_over(self, _number: int) -> bool:
        """Return False."""
        return False

    def begin(self, _number: int) -> GridFolder:
        """Return the grid."""
        return self._grid

    def end(self) -> None:
        """Do nothing."""

    def watch(self, _number: int) -> None:
        """Return None."""


class Trials:
    """The runs of a search, from the view of one process of several."""

    def __init__(self, path: Path, search: Search) -> None:
        self._path = path
        self._search = search
        self._study: Study | None = None

    def is_over(self, number: int) -> bool:
        """Return whether a run is not begun any more: another has reached the metric's target."""
        metric = self._search.metric
        if metric.target is None:
            return False
        grid = GridFolder.open(self._path)
        if number < len(grid.runs):
            return False
        values = (each.value for each in outcomes(grid, self._search).values())
        return any(value is not None and metric.reached(value) for value in values)

    def begin(self, number: int) -> GridFolder:
        """Return the grid with the settings of a run that is about to be trained.

        Those of a new run are chosen now, and those of any before it that has none.

        Raises: DataError when ``grid.json`` or ``study.jsonl`` is corrupt.
        """
        with self._opened() as (grid, study):
            study.follow(grid)
            longer = grid
            while number >= len(longer.runs):
                longer = self._extended(longer, study.suggested(len(longer.runs)))
                study.follow(longer)
            study.follow(longer, begun=number)
            return longer

    def end(self) -> None:
        """Tell the study which runs have ended since."""
        with self._opened() as (grid, study):
            study.follow(grid)

    def watch(self, number: int) -> Callable[[Mapping[str, float | None]], bool] | None:
        """Return what says of each record of a run whether to go on after it; None: always."""
        hyperband, metric = self._search.early_terminate, self._search.metric
        if hyperband is None:
            return None
        folder = RunFolder(self._path / str(number))
        rule = Rule(hyperband, maximized=metric.goal == "maximize")

        def goes_on(record: Mapping[str, float | None]) -> bool:
            value = record.get(metric.name)
            if value is None or not math.isfinite(value):
                return True
            if not rule.values:  # a run that goes on has records from before
                earlier = (each.get(metric.name) for each in folder.iterate_records())
                rule.values += [each for each in earlier if each is not None]
            else:
                rule.values.append(value)
            with suppress(VaerunError, OSError):  # a run is worth more than its early end
                return self._goes_on(number, rule)
            return True

        return goes_on

    def _goes_on(self, number: int, rule: Rule) -> bool:
        if rule.band is None:
            return True
        with self._opened() as (_, study):
            for band in rule.passed:
                study.report(number, band, rule.values[band - 1])
            return not rule.stops(study.values_at(rule.band))

    def _extended(self, grid: GridFolder, moved: tuple[str | int | float, ...]) -> GridFolder:
        """Write a run into ``grid.json``."""
        names = (each.name for each in self._search.searched)
        settings = self._search.overrides(dict(zip(names, moved, strict=True)))
        longer = replace(grid, runs=(*grid.runs, settings), moved=(*grid.moved, moved))
        longer.write()
        return longer

    @contextmanager
    def _opened(self) -> Generator[tuple[GridFolder, Study]]:
        """Lock the folder, and read what it says."""
        from runner.grid.search.study import Study  # Optuna takes a third of a second to import

        with lock(self._path, seconds=_SECONDS):
            grid = GridFolder.open(self._path)
            if self._study is None:
                self._study = Study(grid, self._search)
            yield grid, self._study
