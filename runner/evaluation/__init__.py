"""The evaluation of trained models: numbers only, from their codes, densities and images."""

from __future__ import annotations

from runner.evaluation.encoded_table import has_groups
from runner.evaluation.encodings import Encodings, encode
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
    "CodesEvaluator",
    "Encodings",
    "Evaluator",
    "LatentDensities",
    "Representation",
    "ScoreRequest",
    "encode",
    "has_groups",
    "score_requests",
    "score_requests_of_codes",
    "summarize",
]
