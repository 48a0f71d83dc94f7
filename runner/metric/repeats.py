"""Standard errors of scores, from how they spread when they are computed from other images.

Shapes: N images that were encoded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import stdev
from typing import Any

from runner import progress
from runner.errors import UsageError
from runner.metric.codes import Codes, stream
from runner.metric.registry import compute


@dataclass(frozen=True, eq=False)
class Repeats:
    """The same codes several times, each time with other random numbers.

    Of images that are not a whole factor grid each has a random half, so that images differ even
    where a score uses all there are (the delete-half jackknife, Shao & Wu 1989).
    """

    codes: Codes
    seed: int
    count: int
    """At least 2."""

    def standard_errors(
        self, name: str, *, factor: str | None, settings: Mapping[str, Any]
    ) -> dict[str, float]:
        """Return the standard error of each number of a score, by its name.

        That of a score from m of N images is the standard deviation of the repeats, which have k
        of N/2 images each, times sqrt((1/m) / (1/k - 1/N)): repeats have images in common, and a
        score from fewer images spreads more. m and k are numbers of images to be evaluated on where
        the score learns from others. Of a whole factor grid, from which images are drawn with
        replacement, it is the standard deviation itself.

        A number that not every repeat has, as when a half has too few images for the score, has no
        standard error. The arguments are those of :func:`runner.metric.registry.compute`.
        """
        try:
            found = [
                compute(name, codes, factor=factor, seed=seed, settings=settings)
                for codes, seed in progress.counted(self._repeats, "repeating", self.count)
            ]
        except UsageError:
            return {}
        scale = self._scale(settings)
        values = {key: [each.get(key, math.nan) for each in found] for key in found[0]}
        return {
            key: scale * stdev(of_repeats)
            for key, of_repeats in values.items()
            if all(map(math.isfinite, of_repeats))
        }

    @cached_property
    def _repeats(self) -> Sequence[tuple[Codes, int]]:
        return list(self._drawn())

    def _drawn(self) -> Iterator[tuple[Codes, int]]:
        for number in range(self.count):
            source = stream(self.seed, f"repeat {number}")
            codes = self.codes
            if not codes.complete:
                codes = codes.subset(source.permutation(len(codes))[: len(codes) // 2])
            yield codes, int(source.integers(2**32))

    def _scale(self, settings: Mapping[str, Any]) -> float:
        """Return by what the standard deviation of the repeats is multiplied."""
        if self.codes.complete:
            return 1.0
        every = len(self.codes)
        of_all, of_half = (_evaluated(settings, images) for images in (every, every // 2))
        return math.sqrt((1 / of_all) / (1 / of_half - 1 / every))


def _evaluated(settings: Mapping[str, Any], images: int) -> int:
    """Return from how many of so many images a score is computed.

    Of a score that learns they are those that it is evaluated on.
    """
    if "batch" in settings:  # votes, whose images are drawn with replacement
        return images
    test, samples = settings.get("test"), settings.get("samples")
    if isinstance(test, int):
        return min(test, max(1, images // 3))  # as Codes.split has it
    found = min(samples, images) if isinstance(samples, int) else images
    return max(1, found // 2) if settings.get("held_out") else found  # it learns from a half
