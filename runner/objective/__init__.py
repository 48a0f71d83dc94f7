"""The five terms, the one estimator of q(z), the weighted sum, and the penalties beside it."""

from __future__ import annotations

from runner.objective.aggregate_posterior import (
    LogDensities,
    Node,
    log_aggregate_posterior,
    log_mixture_weights,
    log_weights_with_bank,
)
from runner.objective.objective import Objective
from runner.objective.plan import Plan
from runner.objective.terms import TERM_NAMES, Decomposition, Terms, average, decompose, nodes_of

__all__ = [
    "TERM_NAMES",
    "Decomposition",
    "LogDensities",
    "Node",
    "Objective",
    "Plan",
    "Terms",
    "average",
    "decompose",
    "log_aggregate_posterior",
    "log_mixture_weights",
    "log_weights_with_bank",
    "nodes_of",
]
