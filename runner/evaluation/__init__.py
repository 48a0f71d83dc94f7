"""What a trained model knows: the figures of a run, in numbers and in pictures."""

from __future__ import annotations

from runner.evaluation.encodings import Encodings, encode
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
    "ScoreRequest",
    "encode",
    "score_requests",
    "score_requests_of_codes",
    "summarize",
]
