"""The loop: a generator of records, and everything that makes a step repeatable."""

from __future__ import annotations

from runner.training.best import BestSoFar
from runner.training.checkpoint_tensors import check_parameters
from runner.training.compatibility import check_compatibility, check_fits, steps_of
from runner.training.compilation import missing_compiler
from runner.training.compile_trial import CompilerError, Trial, seconds_of_a_step, try_compiler
from runner.training.device import choose_device, describe_device, prepare
from runner.training.layout import gains_by_bf16, lay_out_by_rows
from runner.training.loop import Record, shown_schedules, train
from runner.training.penalties import PenaltyInputs, active_penalties
from runner.training.randomness import generator
from runner.training.state import TrainingState, new_model
from runner.training.take_over import take_over
from runner.training.validation_loss import validation_loss

__all__ = [
    "BestSoFar",
    "CompilerError",
    "PenaltyInputs",
    "Record",
    "TrainingState",
    "Trial",
    "active_penalties",
    "check_compatibility",
    "check_fits",
    "check_parameters",
    "choose_device",
    "describe_device",
    "gains_by_bf16",
    "generator",
    "lay_out_by_rows",
    "missing_compiler",
    "new_model",
    "prepare",
    "seconds_of_a_step",
    "shown_schedules",
    "steps_of",
    "take_over",
    "train",
    "try_compiler",
    "validation_loss",
]
