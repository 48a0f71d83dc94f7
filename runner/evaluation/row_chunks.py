"""Samples compared with all encodings, a few at a time.

Shapes: M encodings, B samples of a chunk, W columns of z.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from runner import progress
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities
from runner.objective import EncodingWeights, LogDensities, mixture_weights

_ROWS = 20
"""Samples of a chunk; few, so that it stays in a CPU's cache."""

_ROWS_OF_A_SWEEP = 500
"""Samples of a chunk without tensors of pairs."""

_CHUNKS = 50
"""Chunks of a sweep, at least: as many means, from which standard errors are known to a tenth."""

_PAIRS_AT_ONCE = 2**23
"""Numbers of a tensor of a chunk, one for each variable or factor, sample and encoding: 32 MiB."""

_PAIRS = 4 * 10**10
"""The same of all chunks together: two minutes of a CPU."""

_MANY_ENCODINGS = 2**17
_PAIRS_OF_MANY = 15 * 10**9
"""The same of so many encodings that those of one sample have no room in a cache."""

_LEAST_SAMPLES = 100
"""Fewer samples would say nothing, however long they take."""


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

    def encoding_weights(self) -> EncodingWeights:
        """Return the log-weights of all encodings behind q(z)."""
        every = self.encodings
        size = every.count_behind
        return mixture_weights(size, every.dataset_size, first=self.first, like=every.z_MW)

    def log_weights(self) -> Tensor:
        """Return the log-weights of all pairs, (B, M)."""
        return self.encoding_weights().dense(self.size)

    def same_factors(self) -> Tensor:
        """Return one where an encoding has a sample's value of a factor, else zero, (B, F, M)."""
        factors_FM = self.encodings.factors_MF.T.contiguous()
        own_BF1 = self.encodings.factors_MF[self.rows, :, None]
        return (own_BF1 == factors_FM).to(self.encodings.z_MW.dtype)


def densities_in(latents: LatentDensities, sets: int) -> int:
    """Return how many densities of :func:`affordable` some sets of variables are compared by.

    A mixture has those of its components, and takes eight times as long as they do in a product of
    matrices.
    """
    return sets if latents.components == 1 else 8 * latents.components * sets


def affordable(sets: int, encodings: Encodings, samples: int, what: str) -> int:
    """Return how many of the samples are used, so that many variables do not take for ever.

    ``sets`` is how many densities are compared for each sample and encoding. Where it leaves out
    samples, a sentence says so, with ``what`` they are for.
    """
    behind = encodings.count_behind
    pairs = _PAIRS if behind < _MANY_ENCODINGS else _PAIRS_OF_MANY
    most = max(_LEAST_SAMPLES, pairs // max(1, sets * behind))
    if most < samples:
        progress.left_out(
            f"{what} from {most:,} of {samples:,} samples: each has {sets:,} densities "
            f"under {behind:,} encodings"
        )
    return min(most, samples)


def row_chunks(
    latents: LatentDensities,
    encodings: Encodings,
    samples: int,
    what: str = "samples",
    *,
    pairs: bool = True,
) -> Iterator[RowChunk]:
    """Yield the first ``samples`` of the encodings in chunks; ``what`` says what they are for.

    Without ``pairs`` the densities of sampled variables under other encodings are left out.

    A chunk has fewer samples where there are many variables, factors or encodings, so that no
    tensor grows with the square of the number of encodings.
    """
    parameters_MP = encodings.behind
    each = max(len(latents.variable_names), encodings.factors_MF.shape[1]) * len(parameters_MP)
    size = min(_ROWS, max(1, _PAIRS_AT_ONCE // each)) if pairs else _rows_of_a_sweep(samples)
    starts = range(0, samples, size)
    for first in progress.counted(starts, what, len(starts)):
        rows = slice(first, min(first + size, samples))
        densities = latents.densities(
            encodings.z_MW[rows], parameters_MP[rows], parameters_MP, pairs=pairs
        )
        yield RowChunk(encodings, rows, densities)


def _rows_of_a_sweep(samples: int) -> int:
    return max(1, min(_ROWS_OF_A_SWEEP, -(-samples // _CHUNKS)))
