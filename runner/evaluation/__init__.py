"""The evaluation of trained models: numbers only, from their codes, densities and images."""

from __future__ import annotations

from runner.evaluation.averages import Averages
from runner.evaluation.encodings import Encodings, encode, with_all
from runner.evaluation.estimate_warnings import Estimate, training_warnings
from runner.evaluation.representation import LatentDensities, Representation
from runner.evaluation.scores import (
    CodesEvaluator,
    Evaluator,
    ScoreRequest,
    score_requests,
    score_requests_of_codes,
)
from runner.evaluation.summary import summarize

__all__ = [
    "Averages",
    "CodesEvaluator",
    "Encodings",
    "Estimate",
    "Evaluator",
    "LatentDensities",
    "Representation",
    "ScoreRequest",
    "encode",
    "score_requests",
    "score_requests_of_codes",
    "summarize",
    "training_warnings",
    "with_all",
]
