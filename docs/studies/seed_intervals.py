"""Means over seeds with Student's 95 % interval, and their text, for the tables of the studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_END = 0.975
"""The quantile at the upper end of a 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A figure with a confidence interval, where there is one."""

    mean: float
    half: float | None
    """Half of the interval's width."""

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and zero is not in it."""
        return self.half is not None and abs(self.mean) > self.half

    def text(self, places: int = 2, *, signed: bool = False) -> str:
        """Return the mean and the interval's half-width: ``1.14 ± 0.08``.

        ``signed`` is of a difference, with a star where zero is not in the interval.
        """
        sign = "+" if signed else ""
        half = "" if self.half is None else f" ± {self.half:.{places}f}"
        star = " *" if signed and self.excludes_zero else ""
        return f"{self.mean:{sign}.{places}f}{half}{star}"


def interval(values: Sequence[float], error: float | None = None) -> Estimate:
    """Return the mean of some seeds' figures with Student's 95 % interval.

    That of one seed is of the estimate alone, 1.96 times its standard ``error`` where that is
    known: it says nothing of other seeds.
    """
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Estimate(mean, None if error is None else float(stats.norm.ppf(_END)) * error)
    wide = float(stats.t.ppf(_END, count - 1))
    return Estimate(mean, wide * float(np.std(values, ddof=1)) / count**0.5)
