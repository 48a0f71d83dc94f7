"""Scores of codes given their factors, and the table of all quantities; independent of PyTorch."""

from __future__ import annotations

from runner.metric.codes import Codes, stream
from runner.metric.own import describe_score, description_of
from runner.metric.registry import METRICS, compute, names
from runner.metric.repeats import Repeats
from runner.metric.variables import Group, Variable

__all__ = [
    "METRICS",
    "Codes",
    "Group",
    "Repeats",
    "Variable",
    "compute",
    "describe_score",
    "description_of",
    "names",
    "stream",
]
