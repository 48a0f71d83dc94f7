"""The five terms, the one estimator of q(z), the weighted sum, and the penalties beside it."""

from __future__ import annotations

from runner.objective.aggregate_posterior import (
    LogDensities,
    Node,
    NormalSamples,
    log_aggregate_posterior,
)
from runner.objective.encoding_weights import (
    EncodingWeights,
    equal_weights,
    equal_weights_with_bank,
    log_mixture_weights,
    log_weights_with_bank,
    mixture_weights,
    weights_with_bank,
)
from runner.objective.normal_sweep import can_sweep
from runner.objective.objective import Objective
from runner.objective.plan import Plan
from runner.objective.terms import TERM_NAMES, Decomposition, Terms, average, decompose, nodes_of

__all__ = [
    "TERM_NAMES",
    "Decomposition",
    "EncodingWeights",
    "LogDensities",
    "Node",
    "NormalSamples",
    "Objective",
    "Plan",
    "Terms",
    "average",
    "can_sweep",
    "decompose",
    "equal_weights",
    "equal_weights_with_bank",
    "log_aggregate_posterior",
    "log_mixture_weights",
    "log_weights_with_bank",
    "mixture_weights",
    "nodes_of",
    "weights_with_bank",
]
