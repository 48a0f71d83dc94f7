"""What a search looks for: parameters and their distributions, the metric, when runs stop early.

All of it is plain data, read from a sweep file or from the folder of a search; nothing is drawn
here, and Optuna is not needed.
"""

from __future__ import annotations

from runner.grid.space.definition import Hyperband, Metric, Search
from runner.grid.space.parameter import Parameter, Variable

__all__ = ["Hyperband", "Metric", "Parameter", "Search", "Variable"]
