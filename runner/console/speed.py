"""The speed of training."""

from __future__ import annotations

import time
from collections.abc import Callable


class Speed:
    """Images per second since the last record, and overall.

    Args:
        step: the step at which training starts in this process.
        batch_size: images of a step.
        now: the clock of the run, in seconds.
    """

    def __init__(
        self, step: int, batch_size: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._batch_size = batch_size
        self._now = now
        self._first = self._last = (step, now())

    def leave_out(self, seconds: float) -> None:
        """Do not count some seconds of which no training was done."""
        self._first, self._last = (
            (step, begun + seconds) for step, begun in (self._first, self._last)
        )

    def at(self, step: int) -> float:
        """Return images per second since the last call, to one decimal."""
        now = (step, self._now())
        earlier, self._last = self._last, now
        return round(self._between(earlier, now), 1)

    def overall(self, step: int) -> float:
        """Return images per second since this object was created."""
        return self._between(self._first, (step, self._now()))

    def _between(self, earlier: tuple[int, float], later: tuple[int, float]) -> float:
        seconds = max(later[1] - earlier[1], 1e-9)
        return (later[0] - earlier[0]) * self._batch_size / seconds
