"""The memory bank of recent encodings: its ring buffer, and the estimate of q(z) with it."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
import torch
from torch import Tensor

from runner.objective import (
    decompose,
    log_aggregate_posterior,
    log_mixture_weights,
    log_weights_with_bank,
)
from runner.training.memory_bank import MemoryBank
from tests.conftest import prior_of

CPU = torch.device("cpu")
ZERO = torch.zeros((), dtype=torch.float64)


def images(*indices: int) -> Tensor:
    return torch.tensor(indices)


def encodings_of(indices: Tensor) -> Tensor:
    """Return encodings that hold the index of their image."""
    return indices[:, None].float() + torch.tensor([0.0, 0.5])


def filled(places: int, *batches: Tensor) -> MemoryBank:
    bank = MemoryBank.empty(places, 2, CPU)
    for step, batch in enumerate(batches):
        bank.forget(batch, 10)
        bank.remember(encodings_of(batch), batch, step)
    return bank


def test_an_empty_bank_holds_nothing():
    bank = MemoryBank.empty(4, 2, CPU)
    assert bank.is_held().tolist() == [0, 0, 0, 0]


def test_the_oldest_encodings_are_replaced():
    bank = filled(4, images(0, 1), images(2, 3), images(4, 5))
    assert bank.images_K.tolist() == [4, 5, 2, 3]
    torch.testing.assert_close(bank.encodings_KP, encodings_of(bank.images_K))


def test_sizes_that_are_no_multiple_of_the_batch_are_filled():
    bank = filled(5, images(0, 1), images(2, 3), images(4, 5), images(6, 7))
    assert bank.images_K.tolist() == [5, 6, 7, 3, 4]
    torch.testing.assert_close(bank.encodings_KP, encodings_of(bank.images_K))


def test_an_image_is_in_the_bank_at_most_once():
    bank = filled(6, images(0, 1), images(2, 3))
    bank.forget(images(3, 7), 8)
    assert bank.images_K.tolist() == [0, 1, 2, -1, -1, -1]
    assert bank.is_held().tolist() == [1, 1, 1, 0, 0, 0]
    bank.remember(encodings_of(images(3, 7)), images(3, 7), 2)
    assert bank.images_K.tolist() == [0, 1, 2, -1, 3, 7]


def test_stored_encodings_have_no_gradient():
    encodings = torch.zeros(2, 2, requires_grad=True)
    bank = MemoryBank.empty(4, 2, CPU)
    bank.remember(encodings * 2, images(0, 1), 0)
    assert not bank.encodings_KP.requires_grad


def density_table(count: int) -> Tensor:
    """Log q(z_i|x_j) of the draw of every image under every encoding."""
    source = torch.Generator().manual_seed(count)
    return torch.randn(count, count, generator=source, dtype=torch.float64)


@pytest.mark.parametrize(("count", "batch", "bank"), [(5, 2, 1), (5, 2, 2), (6, 3, 2), (5, 2, 3)])
def test_the_mean_over_all_minibatches_and_banks_is_the_aggregate_posterior(
    count: int, batch: int, bank: int
):
    """Over all minibatches and banks of distinct images, with and without an empty place."""
    log_qz_x_NN = density_table(count)
    exact_N = log_qz_x_NN.exp().mean(1)
    for empty in (0, 1):
        is_held_K = torch.tensor([1.0] * bank + [0.0] * empty, dtype=torch.float64)
        log_weights_BM = log_weights_with_bank(batch, is_held_K, count)
        estimates: dict[int, list[float]] = {n: [] for n in range(count)}
        for minibatch in permutations(range(count), batch):
            others = [n for n in range(count) if n not in minibatch]
            for held in combinations(others, bank):
                columns = [*minibatch, *held, *[0] * empty]  # an empty place may hold anything
                pairs_BM = log_qz_x_NN[list(minibatch)][:, columns]
                log_qz_B = log_aggregate_posterior(pairs_BM, log_weights_BM)
                estimates[minibatch[0]].append(float(log_qz_B[0].exp()))
        mean_N = torch.tensor([sum(e) / len(e) for e in estimates.values()], dtype=torch.float64)
        torch.testing.assert_close(mean_N, exact_N)


def test_a_bank_of_all_other_images_is_exact():
    log_qz_x_NN = density_table(9)
    log_weights_BM = log_weights_with_bank(4, torch.ones(5, dtype=torch.float64), 9)
    got_B = log_aggregate_posterior(log_qz_x_NN[:4], log_weights_BM)
    torch.testing.assert_close(got_B, log_qz_x_NN[:4].exp().mean(1).log())


@pytest.mark.parametrize("held", [0, 1, 5])
def test_a_row_s_weights_sum_to_one_and_leave_empty_places_out(held: int):
    is_held_K = (torch.arange(5) < held).double()
    weights_BM = log_weights_with_bank(3, is_held_K, 50).exp()
    torch.testing.assert_close(weights_BM.sum(1), torch.ones(3).double())
    torch.testing.assert_close(weights_BM.diagonal(), torch.full((3,), 1 / 50).double())
    assert weights_BM[:, 3 + held :].eq(0).all()


def test_an_empty_bank_changes_nothing():
    got_BM = log_weights_with_bank(6, torch.zeros(4, dtype=torch.float64), 99)
    torch.testing.assert_close(got_BM[:, :6], log_mixture_weights(6, 6, 99, like=ZERO))


def test_estimates_with_a_fresh_bank_are_those_of_the_larger_minibatch():
    """The bank holds the other eight of 12 images, encoded with the present parameters."""
    prior = prior_of(normals=3, groups=[2, 1])
    source = torch.Generator().manual_seed(0)
    parameters_MP = torch.randn(12, 6, generator=source, dtype=torch.float64)
    z_BW = prior.sample(parameters_MP[:4], torch.randn(4, 3, generator=source).double())
    densities = prior.densities(z_BW, parameters_MP[:4], parameters_MP)
    with_bank = log_weights_with_bank(4, torch.ones(8, dtype=torch.float64), 100)
    larger = log_mixture_weights(4, 12, 100, like=ZERO)
    torch.testing.assert_close(
        decompose(densities, ZERO, with_bank).terms.stack(),
        decompose(densities, ZERO, larger).terms.stack(),
    )
