"""``early_terminate`` of a sweep file: W&B's form of Hyperband (Li et al. 2018).

After ``min_iter``, ``min_iter * eta``, … records of the metric (or ``max_iter / eta``, … of them)
a run goes on only if it is among the best 1/eta of all runs that have come as far. The rule is
that of W&B's own program, so that a file stops runs alike with and without W&B. Optuna's pruners
have no ``strict``, take whole numbers for ``eta``, and assign runs to brackets of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.grid.space import Hyperband


@dataclass
class Rule:
    """Whether one run stops, by the values of its metric so far, in the order of its records."""

    hyperband: Hyperband
    maximized: bool
    values: list[float] = field(default_factory=list[float])

    @property
    def passed(self) -> list[int]:
        """The numbers of records at which runs are compared, up to that of this run."""
        return [band for band in self.hyperband.bands if band <= len(self.values)]

    @property
    def band(self) -> int | None:
        """The last of :attr:`passed`, or None before the first."""
        return max(self.passed, default=None)

    def stops(self, others: Sequence[float]) -> bool:
        """Return whether the run stops; ``others`` are the values of all runs at the last band.

        Compared is the best value of the run so far, or with ``strict`` that at the band.
        """
        band = self.band
        if band is None or not others:
            return False
        sign = -1.0 if self.maximized else 1.0
        ranked = sorted(sign * value for value in others)
        threshold = ranked[int(len(ranked) / self.hyperband.eta)]
        mine = [sign * value for value in self.values]
        return (mine[band - 1] if self.hyperband.strict else min(mine)) > threshold
