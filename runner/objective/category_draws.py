"""Expectations over one discrete variable in place of the category that was drawn of it.

An estimate at a drawn category c_i has the right mean, and a gradient that ignores that c_i depends
on the encoder: that of log q(c_i|x_i) and of log q(c_i) has the mean zero. So to every expectation
of a log-density of a set that contains the variable is added

    sum_k q(k|x_i) log q(k) - log q(c_i),

whose mean is zero, with q(k|x_i) in place of q(k) where the density is the samples' own, and p(k)
where it is the prior's. The set's q(c) is then an exact sum, with its whole gradient, while what
depends on the other variables as well, such as q(z|c), is left at the draw.

Shapes: B samples, M encodings, D discrete variables, S sets, K values of one variable.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from runner.objective.aggregate_posterior import CategoryDraws, log_enumerated_posterior
from runner.objective.encoding_weights import EncodingWeights
from runner.objective.estimates import Means, log_table_posterior


def with_expected_own(means: Means, draws: CategoryDraws) -> Means:
    """Return E log q(z_s|x) of sets, with sums over the values of each discrete variable."""
    return _with(means, draws, lambda d: draws.log_own[d])


def with_expected_prior(means: Means, draws: CategoryDraws) -> Means:
    """Return E log p(z_s) of sets, with sums over the values of each discrete variable.

    Under the prior these are independent of all others.
    """
    return _with(means, draws, lambda d: draws.log_prior[d][:, None].expand_as(draws.log_own[d]))


def with_expected(means: Means, draws: CategoryDraws, weights: EncodingWeights | Tensor) -> Means:
    """Return E log q(z_s) of sets, with sums over the values of each discrete variable.

    The q(k) of the sums has the weights with which marginals of single variables are estimated.
    """
    samples = draws.category_BD.shape[0]
    return _with(means, draws, lambda d: _log_posterior(draws.log_pairs[d], weights, samples))


def _log_posterior(log_pairs_KM: Tensor, weights: EncodingWeights | Tensor, samples: int) -> Tensor:
    """Return log q(k) of every value and sample, (K, B)."""
    if isinstance(weights, Tensor):
        return log_enumerated_posterior(log_pairs_KM, weights)
    return log_table_posterior(log_pairs_KM, weights.of_singles or weights, samples)


def _with(means: Means, draws: CategoryDraws, log_q_of: Callable[[int], Tensor]) -> Means:
    """Return expectations of sets, to each of which is added what there is for its variables.

    ``log_q_of`` gives log q(k) of a discrete variable by its number, (K, B); it is asked only for
    those that a set contains.
    """
    zero, added_D = means.values_S.new_zeros(()), list[Tensor]()
    for d, (log_own_KB, category_B) in enumerate(
        zip(draws.log_own, draws.category_BD.unbind(1), strict=True)
    ):
        contained = any(d in part for part in means.sets)
        added_D.append(_less_drawn(log_own_KB, log_q_of(d), category_B) if contained else zero)
    added = [sum((added_D[v] for v in part if v < len(added_D)), zero) for part in means.sets]
    return Means(means.sets, means.values_S + torch.stack(added)) if added else means


def _less_drawn(log_own_KB: Tensor, log_q_KB: Tensor, category_B: Tensor) -> Tensor:
    """Return the mean over samples of sum_k q(k|x_i) log q(k) - log q(c_i), a scalar."""
    expected_B = (log_own_KB.exp() * log_q_KB).sum(0)
    return (expected_B - log_q_KB.gather(0, category_B[None])[0]).mean()
