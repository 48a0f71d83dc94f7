"""The Optuna study of a search: which settings to try next, and what became of those tried.

``grid.json`` says which runs there are, their folders what became of them; the study follows both,
so that nothing is lost when a process dies between two writes, or when ``study.jsonl`` is deleted.
All calls are made with the folder locked.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from runner.errors import DataError, VaerunError
from runner.grid.search.journal import FILE, Journal, corrupt
from runner.grid.search.objective import Outcome, outcome

if TYPE_CHECKING:
    from runner.grid.folder import GridFolder
    from runner.grid.space import Search, Variable

_NAME = "search"
_ENDS = {
    "finished": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "diverged": TrialState.PRUNED,  # worse than every run that has a value
    "pruned": TrialState.PRUNED,
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Study:
    """The study of a search in its folder."""

    def __init__(self, grid: GridFolder, search: Search) -> None:
        """Open it, or begin it.

        Raises: DataError when its file is corrupt.
        """
        self._search = search
        self._file = grid.path / FILE
        self._distributions = {each.name: _distribution(each.variable) for each in search.searched}
        try:
            self._storage = optuna.storages.JournalStorage(Journal(grid.path))
            self._study = optuna.create_study(
                storage=self._storage,
                study_name=_NAME,
                direction=search.metric.goal,
                load_if_exists=True,
            )
            self._id = self._storage.get_study_id_from_name(_NAME)
        except VaerunError:
            raise
        except Exception as error:  # entries that are none raise errors of many kinds
            raise corrupt(self._file, "its entries make no study") from error

    def follow(self, grid: GridFolder, begun: int | None = None) -> None:
        """Bring the study up to what ``grid.json`` and the folders of the runs say.

        ``begun`` is a run that is about to be trained, for the first time or again.
        """
        known = self._by_run()
        for number, moved in enumerate(grid.moved):
            trial = known.get(number)
            if trial is not None and trial.state == TrialState.COMPLETE:
                continue
            result = outcome(grid, self._search, number)
            state = self._state(result)
            is_again = number == begun or state == TrialState.COMPLETE
            if trial is None or (trial.state.is_finished() and is_again):
                trial = self._add(number, moved, grid.runs[number])
            if state is not None and not trial.state.is_finished() and number != begun:
                value = result.value if state == TrialState.COMPLETE else None
                self._study.tell(trial.number, value, state)

    def suggested(self, number: int) -> tuple[str | int | float, ...]:
        """Return where the next run is to have its variables."""
        if self._search.method == "random":
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(self._seed(number)))
        else:
            study = optuna.create_study(
                direction=self._study.direction, sampler=self._tpe(self._seed(number))
            )
            study.add_trials(self._study.get_trials(deepcopy=False))
        params = study.ask(self._distributions).params
        return tuple(params[name] for name in self._distributions)

    def report(self, number: int, band: int, value: float) -> None:
        """Keep the metric of a run after so many records."""
        trial = self._by_run().get(number)
        if trial is None or trial.state.is_finished() or band in trial.intermediate_values:
            return
        name = self._storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)
        self._storage.set_trial_intermediate_value(name, band, value)

    def values_at(self, band: int) -> list[float]:
        """Return the metric of every run that has come so far."""
        trials = self._by_run().values()
        values = (trial.intermediate_values.get(band) for trial in trials)
        return [value for value in values if value is not None]

    def _state(self, result: Outcome) -> TrialState | None:
        """Return how a trial has ended, or None if it has not."""
        state = _ENDS.get(result.state.state)
        if state == TrialState.COMPLETE and result.value is None:
            return TrialState.FAIL
        return state

    def _add(
        self, number: int, moved: tuple[str | int | float, ...], settings: tuple[str, ...]
    ) -> FrozenTrial:
        """Add a trial that is running; one that has ended stays as it is."""
        try:
            trial = create_trial(
                state=TrialState.RUNNING,
                params=dict(zip(self._distributions, moved, strict=True)),
                distributions=self._distributions,
                user_attrs={"run": number, "settings": " ".join(settings)},
            )
            self._study.add_trial(trial)
        except ValueError as error:
            message = f"'{self._file.with_name('grid.json')}' is corrupt: run {number} is not of it"
            raise DataError(message) from error
        return self._by_run()[number]

    def _by_run(self) -> dict[int, FrozenTrial]:
        """Return the last trial of each run."""
        trials = self._study.get_trials(deepcopy=False)
        return {trial.user_attrs["run"]: trial for trial in trials if "run" in trial.user_attrs}

    def _seed(self, number: int) -> int:
        """Return the seed of a run's settings: the same whichever process draws them."""
        return int(np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0])

    def _tpe(self, seed: int) -> optuna.samplers.BaseSampler:
        with warnings.catch_warnings():  # before Optuna 5 these two options are experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                n_startup_trials=self._search.startup,
                multivariate=True,
                constant_liar=True,  # runs that others train are kept away from
                seed=seed,
            )


def _distribution(variable: Variable) -> BaseDistribution:
    if variable.choices:
        return CategoricalDistribution(variable.choices)
    if variable.is_whole:
        return IntDistribution(int(variable.low), int(variable.high))
    return FloatDistribution(variable.low, variable.high, log=variable.is_logarithmic)
