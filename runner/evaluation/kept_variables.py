"""The density of some variables together, as one after the other is added to them.

Shapes: B samples of a chunk, M encodings, V variables, A atoms (see
``objective.aggregate_posterior``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from runner.evaluation.row_chunks import RowChunk
from runner.objective import LogDensities
from runner.objective.aggregate_posterior import log_enumerated_posterior


def ratios_alone(chunk: RowChunk) -> Iterator[Tensor]:
    """Yield log q(z_v|x) - log q(z_v) of every sample, (B,), for each variable by itself."""
    log_weights_BM = chunk.log_weights()
    for v in chunk.densities.tree.variables:
        yield next(_ratios(chunk.densities, [v], log_weights_BM))


def ratios_together(chunk: RowChunk, order: Sequence[int]) -> Iterator[Tensor]:
    """Yield log q(z_s|x) - log q(z_s), (B,), for the first variable, for the first two, and so on.

    Each set has the sum of the one before and one variable more, so that the time grows with the
    number of variables and not with its square.
    """
    yield from _ratios(chunk.densities, order, chunk.log_weights())


def _ratios(
    densities: LogDensities, order: Sequence[int], log_weights_BM: Tensor
) -> Iterator[Tensor]:
    """Yield the log-ratios, the mean over the values of enumerated variables."""
    if densities.sets is not None:
        for kept in range(1, len(order) + 1):
            part = sorted(order[:kept])
            log_q_AB = (densities.sets.log_pairs(part) + log_weights_BM).logsumexp(-1)
            log_ratio_AB = densities.sets.log_own(part) - log_q_AB
            yield (densities.atoms_AB * log_ratio_AB).sum(0)
        return
    count = len(densities.enumerated_VAM)
    log_qz_x_BM = log_weights_BM.new_zeros(log_weights_BM.shape)
    log_own_B = log_weights_BM.new_zeros(len(log_weights_BM))
    log_qk_x_AM = log_own_AB = None
    for v in order:
        if v >= count:
            log_qz_x_BM = log_qz_x_BM + densities.sampled_VBM[v - count]
            log_own_B = log_own_B + densities.own_sampled_VB[v - count]
        else:
            table_AM, own_AB = densities.enumerated_VAM[v], densities.own_enumerated_VAB[v]
            log_qk_x_AM = table_AM if log_qk_x_AM is None else log_qk_x_AM + table_AM
            log_own_AB = own_AB if log_own_AB is None else log_own_AB + own_AB
        log_q_BM = log_qz_x_BM + log_weights_BM
        if log_qk_x_AM is None or log_own_AB is None:
            yield log_own_B - log_q_BM.logsumexp(-1)
        else:
            log_q_AB = log_enumerated_posterior(log_qk_x_AM, log_q_BM)
            yield (densities.atoms_AB * (log_own_B + log_own_AB - log_q_AB)).sum(0)
