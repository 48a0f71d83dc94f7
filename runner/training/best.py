"""Which validation was the best so far, and whether training stops for want of a better one."""

from __future__ import annotations

from dataclasses import dataclass

from runner.config import StopEarlyConfig


@dataclass
class BestSoFar:
    """The best value of a figure, and how long none has been better.

    It is a function of the validations that it is told of, in order: one that is told of the
    records of an interrupted run stands where that run stood.
    """

    settings: StopEarlyConfig
    sign: int
    """1 where a higher value is better, -1 where a lower one is."""
    begins: int = 0
    """The steps of a model that is not whole yet: no validation until then counts."""
    restarted: int = 0
    """The step from which on training went on although it had stopped: it waits anew from there."""
    value: float | None = None
    step: int | None = None
    waited: int = 0
    """Validations since the last improvement by more than ``min_delta``."""
    _reference: float | None = None
    """The value of that improvement."""

    def tell(self, step: int, value: float | None) -> bool:
        """Take the value of a validation; return whether it is the best so far.

        What is not a finite number, None, is never better.
        """
        if step < self.settings.after or step <= self.begins:
            return False
        is_best = value is not None and self._exceeds(value, self.value, 0)
        if is_best:
            self.value, self.step = value, step
        improves = value is not None and self._exceeds(
            value, self._reference, self.settings.min_delta
        )
        if improves:
            self._reference = value
        if improves or step <= self.restarted:
            self.waited = 0
        else:
            self.waited += 1
        return is_best

    def _exceeds(self, value: float, other: float | None, by: float) -> bool:
        return other is None or self.sign * (value - other) > by

    @property
    def is_over(self) -> bool:
        """Whether training is to stop: too many validations in a row brought no improvement."""
        patience = self.settings.patience
        return patience is not None and self.waited >= patience
