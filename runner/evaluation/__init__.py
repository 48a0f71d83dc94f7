"""What a trained model knows: the figures of a run, in numbers and in pictures."""

from __future__ import annotations

from runner.evaluation.encodings import Encodings, encode
from runner.evaluation.summary import summarize

__all__ = ["Encodings", "encode", "summarize"]
