"""Samples compared with all encodings, a few at a time.

Shapes: M encodings, B samples of a chunk, W columns of z.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities
from runner.objective import LogDensities, log_mixture_weights

_ROWS = 20
"""Samples of a chunk; few, so that it stays in a CPU's cache."""


@dataclass(frozen=True)
class RowChunk:
    """Neighbouring samples, and their log-densities under all encodings."""

    encodings: Encodings
    rows: slice
    """Of the samples among the encodings."""
    densities: LogDensities

    @property
    def first(self) -> int:
        """The place of the first sample: sample i of the chunk owns encoding ``first + i``."""
        return self.rows.start

    @property
    def size(self) -> int:
        """B, the number of samples."""
        return self.rows.stop - self.rows.start

    def log_weights(self) -> Tensor:
        """Return the log-weights of all encodings behind q(z), (B, M)."""
        every = self.encodings
        return log_mixture_weights(
            self.size, len(every), every.dataset_size, first=self.first, like=every.z_MW
        )

    def same_factors(self) -> Tensor:
        """Return one where an encoding has a sample's value of a factor, else zero, (B, M, F)."""
        factors_MF = self.encodings.factors_MF
        return (factors_MF[self.rows, None] == factors_MF).to(self.encodings.z_MW.dtype)


def row_chunks(latents: LatentDensities, encodings: Encodings, samples: int) -> Iterator[RowChunk]:
    """Yield the first ``samples`` of the encodings in chunks."""
    parameters_MP = encodings.parameters_MP
    for first in range(0, samples, _ROWS):
        rows = slice(first, min(first + _ROWS, samples))
        densities = latents.densities(encodings.z_MW[rows], parameters_MP[rows], parameters_MP)
        yield RowChunk(encodings, rows, densities)
