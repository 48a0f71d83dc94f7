"""The time that a run takes, also where it shares the time with others."""

from __future__ import annotations

import time


class Clock:
    """Counts the seconds of one run, from when it is made.

    Runs of a pack take turns, and their steps are made together: the clock of each is stopped
    while it is another's turn, and is given its share of a common step. The seconds of all runs
    of a pack add up to those that have passed.
    """

    def __init__(self) -> None:
        self._counted = 0.0
        self._since: float | None = time.monotonic()

    def now(self) -> float:
        """Return the seconds counted so far."""
        return self._counted + (0.0 if self._since is None else time.monotonic() - self._since)

    def stop(self) -> None:
        """Count no further, until :meth:`go_on`."""
        self._counted, self._since = self.now(), None

    def go_on(self) -> None:
        """Count again."""
        self._counted, self._since = self.now(), time.monotonic()

    def add(self, seconds: float) -> None:
        """Count the run's share of what was done for several."""
        self._counted += seconds
