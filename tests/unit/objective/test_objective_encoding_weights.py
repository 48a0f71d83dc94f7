"""What stratified and equal weights do to E log q(z): expectations without sampling error.

A dataset is a few normal posteriors of two variables. The expectation over draws is a quadrature,
that over minibatches and banks an enumeration.

Shapes: N images, M encodings, Q nodes, V = 2 variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from runner.objective import (
    EncodingWeights,
    equal_weights,
    equal_weights_with_bank,
    log_aggregate_posterior,
    mixture_weights,
    weights_with_bank,
)

LIKE = torch.zeros((), dtype=torch.float64)
IMAGES = 6
LOC_NV = torch.tensor(
    [[0.0, 0.0], [0.4, 0.5], [1.0, 1.2], [-0.8, -1.0], [0.3, -0.2], [2.0, 1.5]],
    dtype=torch.float64,
)
SCALE = 0.5
KINDS = ("stratified", "equal")
SIZES = [(2, 0), (3, 0), (5, 0), (2, 2), (3, 2), (2, 4)]
"""Images of a minibatch, and of a bank."""


def weights_of(kind: str, batch: int, bank: int, empty: int = 0) -> EncodingWeights:
    """Weights of a minibatch with a bank that has some empty places, too."""
    is_held_K = torch.tensor([1.0] * bank + [0.0] * empty, dtype=torch.float64)
    if kind == "equal":
        return (
            equal_weights_with_bank(batch, is_held_K) if bank else equal_weights(batch, like=LIKE)
        )
    if bank:
        return weights_with_bank(batch, is_held_K, IMAGES)
    return mixture_weights(batch, IMAGES, like=LIKE)


def quadrature() -> tuple[Tensor, Tensor]:
    """Nodes (Q, V) and weights (Q,) of the expectation under two standard normals."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    node, weight = torch.tensor(nodes), torch.tensor(weights / weights.sum())
    return torch.cartesian_prod(node, node), torch.outer(weight, weight).flatten()


NODES_QV, WEIGHTS_Q = quadrature()


def log_densities(image: int, variables: slice) -> Tensor:
    """Log q(z|x_n) of the draws of one image under all encodings, (Q, N)."""
    standard_QNV = (NODES_QV * SCALE + LOC_NV[image])[:, None] - LOC_NV
    log_V = -0.5 * (standard_QNV / SCALE).square() - math.log(SCALE) - 0.5 * math.log(2 * math.pi)
    return log_V[:, :, variables].sum(-1)


BOTH, FIRST, SECOND = slice(0, 2), slice(0, 1), slice(1, 2)
PARTS = (BOTH, FIRST, SECOND)
LOG_QZ_X = [[log_densities(n, part) for part in PARTS] for n in range(IMAGES)]


def exact(image: int, part: int) -> Tensor:
    """Log q(z) of the draws of one image, (Q,)."""
    return LOG_QZ_X[image][part].logsumexp(1) - math.log(IMAGES)


def draws(batch: int, bank: int) -> Iterator[tuple[int, list[int]]]:
    """Every image with all sets of other images behind an estimate; its own comes first."""
    for image in range(IMAGES):
        others = [n for n in range(IMAGES) if n != image]
        for rest in combinations(others, batch + bank - 1):
            yield image, [image, *rest]


def estimate(kind: str, batch: int, bank: int, part: int) -> dict[int, list[Tensor]]:
    """Log q(z) of the draws (Q,), estimated from each set of encodings, by image."""
    log_weights_M = weights_of(kind, batch, bank).dense(1)
    found: dict[int, list[Tensor]] = {n: [] for n in range(IMAGES)}
    for image, encodings in draws(batch, bank):
        pairs_QM = LOG_QZ_X[image][part][:, encodings]
        found[image].append(log_aggregate_posterior(pairs_QM, log_weights_M))
    return found


def mean(values_Q: Tensor) -> float:
    return float(values_Q @ WEIGHTS_Q)


def expectation(kind: str, batch: int, bank: int, part: int) -> float:
    """E log q(z) over images, draws and the encodings behind the estimate."""
    found = [v for each in estimate(kind, batch, bank, part).values() for v in each]
    return sum(mean(v) for v in found) / len(found)


def truth(part: int) -> float:
    return sum(mean(exact(n, part)) for n in range(IMAGES)) / IMAGES


@pytest.mark.parametrize(("batch", "bank"), SIZES)
def test_stratified_weights_are_unbiased_for_q_and_too_low_for_its_logarithm(batch: int, bank: int):
    """At every draw, whatever its image."""
    for image, found in estimate("stratified", batch, bank, 0).items():
        together = torch.stack(found)
        torch.testing.assert_close(together.exp().mean(0), exact(image, 0).exp())
        assert (together.mean(0) <= exact(image, 0) + 1e-9).all()
    if batch + bank < IMAGES:
        assert expectation("stratified", batch, bank, 0) < truth(0) - 0.01


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize(("batch", "bank"), SIZES)
def test_equal_weights_bound_the_logarithm_from_above(batch: int, bank: int, part: int):
    got = expectation("equal", batch, bank, part)
    if batch + bank < IMAGES:
        assert got > truth(part) + 0.001
    else:
        assert got == pytest.approx(truth(part), abs=1e-9)


@pytest.mark.parametrize(("batch", "bank"), SIZES)
def test_equal_weights_keep_the_information_below_log_m_and_stratified_ones_do_not(
    batch: int, bank: int
):
    log_q_own = sum(mean(LOG_QZ_X[n][0][:, n]) for n in range(IMAGES)) / IMAGES
    known = log_q_own - truth(0)
    stratified, equal = (log_q_own - expectation(kind, batch, bank, 0) for kind in KINDS)
    assert equal <= math.log(batch + bank)
    assert equal <= known + 1e-9
    assert stratified >= known - 1e-9


@pytest.mark.parametrize("batch", [2, 3, 4])
def test_equal_weights_give_the_total_correlation_of_the_minibatch_s_own_mixture(batch: int):
    """It is that of a distribution, so it is positive whichever minibatch comes."""
    log_weights_M = equal_weights(batch, like=LIKE).dense(1)
    for minibatch in combinations(range(IMAGES), batch):
        found = 0.0
        for image in minibatch:
            joint, first, second = (
                log_aggregate_posterior(LOG_QZ_X[image][part][:, list(minibatch)], log_weights_M)
                for part in range(3)
            )
            found += mean(joint - first - second) / batch
        assert found > 0


@pytest.mark.parametrize(("batch", "bank"), [(IMAGES, 0), (4, 2), (2, 4)])
def test_with_all_encodings_both_weights_are_the_exact_mean(batch: int, bank: int):
    stratified, equal = (weights_of(kind, batch, bank).dense(batch) for kind in KINDS)
    torch.testing.assert_close(stratified, equal)
    torch.testing.assert_close(equal.exp(), torch.full_like(equal, 1 / IMAGES))


@pytest.mark.parametrize(("bank", "empty"), [(0, 0), (0, 3), (4, 0), (4, 3)])
def test_equal_weights_sum_to_one_and_leave_empty_places_out(bank: int, empty: int):
    is_held_K = torch.tensor([1.0] * bank + [0.0] * empty, dtype=torch.float64)
    weights = equal_weights_with_bank(3, is_held_K)
    weights_BM = weights.dense(3).exp()
    expected = torch.full((3, 3 + bank), 1 / (3 + bank), dtype=torch.float64)
    torch.testing.assert_close(weights_BM[:, : 3 + bank], expected)
    assert weights_BM[:, 3 + bank :].eq(0).all()
    assert weights.of_singles is not None
    torch.testing.assert_close(
        weights.of_singles.dense(3).exp(), torch.full((3, 3), 1 / 3, dtype=torch.float64)
    )


def test_rows_of_a_chunk_have_their_equal_weights():
    whole = equal_weights(10, like=LIKE)
    torch.testing.assert_close(whole.for_rows(3).dense(4), whole.dense(10)[3:7])
    assert whole.for_rows(3).first == 3


def test_no_encoding_is_refused():
    with pytest.raises(ValueError, match="at least one encoding, got 0"):
        equal_weights(0, like=LIKE)
