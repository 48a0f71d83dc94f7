"""The loop: a generator of records, and everything that makes a step repeatable."""

from __future__ import annotations

from runner.training.device import choose_device, describe_device, prepare
from runner.training.loop import Record, TrainingState, train
from runner.training.randomness import generator

__all__ = [
    "Record",
    "TrainingState",
    "choose_device",
    "describe_device",
    "generator",
    "prepare",
    "train",
]
