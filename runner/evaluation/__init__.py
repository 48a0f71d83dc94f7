"""The evaluation of trained models: numbers only, from their codes, densities and images."""

from __future__ import annotations

from runner.evaluation.averages import Averages
from runner.evaluation.encoded_table import has_groups
from runner.evaluation.encodings import (
    Encodings,
    count_of_encodings,
    encode,
    encode_for_evaluation,
)
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
    "count_of_encodings",
    "encode",
    "encode_for_evaluation",
    "has_groups",
    "score_requests",
    "score_requests_of_codes",
    "summarize",
    "training_warnings",
]
