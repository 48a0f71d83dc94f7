"""Which part of a model each step fits, where the parts are fitted one after the other."""

from __future__ import annotations

from dataclasses import dataclass


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
