"""A search: runs whose settings Optuna chooses, one after the other, from what others found."""

from __future__ import annotations

from runner.grid.search.objective import Outcome, check_metric, outcomes
from runner.grid.search.report import exit_code, print_search
from runner.grid.search.trials import KnownRuns, Trials, require_optuna, trials_of

__all__ = [
    "KnownRuns",
    "Outcome",
    "Trials",
    "check_metric",
    "exit_code",
    "outcomes",
    "print_search",
    "require_optuna",
    "trials_of",
]
