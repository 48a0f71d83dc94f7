"""Grids of runs: their folder, the workers that train them, the launchers that start workers."""

from __future__ import annotations

from runner.grid.folder import GridFolder, RunState, is_grid
from runner.grid.job import Job
from runner.grid.labels import labels_of
from runner.grid.launchers import launch, require
from runner.grid.longer import lengthened
from runner.grid.plan import print_plan
from runner.grid.progress import Progress
from runner.grid.report import exit_code, print_states
from runner.grid.worker import work

__all__ = [
    "GridFolder",
    "Job",
    "Progress",
    "RunState",
    "exit_code",
    "is_grid",
    "labels_of",
    "launch",
    "lengthened",
    "print_plan",
    "print_states",
    "require",
    "work",
]
