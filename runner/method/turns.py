"""Which part of a model each step fits, where the parts are fitted one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from runner.config import RunConfig
from runner.errors import DataError, UsageError


@dataclass(frozen=True)
class Turns:
    """The steps of a run, divided evenly among parts: each has its turn before the next.

    The part of a step depends on the step alone, so that training can be taken up anywhere.
    """

    steps: int
    parts: int

    def of(self, step: int) -> int:
        """Return the part that a step fits; steps and parts are counted from zero."""
        return max(part for part in range(self.parts) if self.first(part) <= step)

    def first(self, part: int) -> int:
        """Return the first step of a part; that of the next one too, if it has no steps."""
        return part * self.steps // self.parts


def check_early_stop(config: RunConfig, begins: int, part: str) -> None:
    """Refuse that training may stop before the last part of a model, of this name, begins.

    Raises: UsageError.
    """
    stop = config.training.stop_early
    if stop.patience is not None and stop.after < begins:
        message = f"training.stop_early would stop before step {begins:,}, where {part} begins"
        raise UsageError(message, f"training.stop_early.after={begins}")


def check_division(kept: Mapping[str, Tensor], asked: Mapping[str, int], among: str) -> None:
    """Refuse another division of the steps than the one that a checkpoint was made with.

    Args:
        kept: what the checkpoint says of it, one number each.
        asked: what is to be the same, ``steps`` among it.
        among: the parts in words.

    Raises: UsageError; DataError when the checkpoint does not say it.
    """
    if any(name not in kept or kept[name].numel() != 1 for name in asked):
        raise DataError("the checkpoint is corrupt: it does not say how its steps are divided")
    if any(int(kept[name]) != value for name, value in asked.items()):
        message = f"steps={asked['steps']}: the run has {int(kept['steps'])} steps"
        raise UsageError(f"{message}, divided {among}, and ends with them")
