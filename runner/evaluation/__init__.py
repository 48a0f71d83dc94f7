"""What a trained model knows: the figures of a run, in numbers and in pictures."""

from __future__ import annotations

from runner.evaluation.encodings import Encodings, encode
from runner.evaluation.scores import CodesJudge, Judge, Task, tasks, tasks_of_codes
from runner.evaluation.summary import summarize

__all__ = [
    "CodesJudge",
    "Encodings",
    "Judge",
    "Task",
    "encode",
    "summarize",
    "tasks",
    "tasks_of_codes",
]
