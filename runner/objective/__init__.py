"""The five terms, the one estimator of q(z), and the weighted sum that is minimised."""

from __future__ import annotations

from runner.objective.aggregate_posterior import (
    LogDensities,
    log_aggregate_posterior,
    log_mixture_weights,
)
from runner.objective.objective import Objective
from runner.objective.terms import TERM_NAMES, Decomposition, Terms, decompose

__all__ = [
    "TERM_NAMES",
    "Decomposition",
    "LogDensities",
    "Objective",
    "Terms",
    "decompose",
    "log_aggregate_posterior",
    "log_mixture_weights",
]
