"""The two checkpoints of a run: the last, to go on from, and the model of its best validation."""

from __future__ import annotations

from pathlib import Path

from runner.config import AUTO, RunConfig
from runner.errors import DataError, UsageError
from runner.method import Method
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import load as load_checkpoint
from runner.store.run_folder import RunFolder

LAST, BEST = "checkpoint", "checkpoint_best"
"""Their folders in that of the run."""


def best_checkpoint(path: Path, *, last_step: int) -> Checkpoint | None:
    """Return the model of the best validation of a run, or None where it has none.

    One of a later step than the last checkpoint is left over from a run that was killed, and then
    went on otherwise: it is none of this run.

    Raises: DataError when it is corrupt.
    """
    if not (path / BEST / "state.json").is_file():
        return None
    found = load_checkpoint(path / BEST, ("model",))
    if "model" not in found.tensors:
        raise DataError(f"'{path / BEST}' is corrupt: it has no model", "delete it")
    return found if found.state["step"] <= last_step else None


def asks_for_best(config: RunConfig) -> bool:
    """Return whether the settings have the model of the best validation evaluated."""
    asked = config.evaluation.checkpoint
    if asked == AUTO:
        return config.training.stop_early.patience is not None and config.training.keep_best
    return asked == "best"


def checkpoint_to_evaluate(
    folder: RunFolder, config: RunConfig, *, last_step: int, asked: str | None = None
) -> Checkpoint | None:
    """Return the checkpoint to evaluate where it is the best one, and None where it is the last.

    ``asked`` is "last" or "best"; with None it is the one that the run's summary is about, or, of
    a run without a summary, that of its settings.

    Raises: UsageError when the best one is asked for and there is none; DataError when it is
        corrupt.
    """
    if asked == "last":
        return None
    best = best_checkpoint(folder.path, last_step=last_step)
    if asked == "best":
        if best is None:
            hint = "a run with validation.every=N keeps it from its first validation on"
            raise UsageError(f"'{folder.path}' has no best checkpoint", hint)
        return best
    shown = folder.read_summary().get("step")
    if best is None or shown == last_step:
        return None
    return best if asks_for_best(config) or shown == best.state["step"] else None


def take_up(method: Method, checkpoint: Checkpoint) -> int:
    """Give a method the parameters of a checkpoint, and return the step that they are of.

    Raises: UsageError when they are of another model; DataError when one is not a number.
    """
    method.take_parameters(checkpoint.tensors)
    return checkpoint.state["step"]
