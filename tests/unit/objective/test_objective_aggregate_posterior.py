"""The estimator of q(z): enumerated over all minibatches, and exact for the full batch."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from runner.objective import log_aggregate_posterior, log_mixture_weights

LIKE = torch.zeros((), dtype=torch.float64)


@pytest.mark.parametrize(("images", "batch"), [(5, 2), (6, 3), (5, 4)])
def test_mean_over_all_minibatches_is_the_aggregate_posterior(images: int, batch: int):
    """Over every ordered minibatch that holds the sample's image, in every row it can stand."""
    source = torch.Generator().manual_seed(images * 10 + batch)
    log_qz_x_NN = torch.randn(images, images, generator=source, dtype=torch.float64)
    exact_N = log_qz_x_NN.exp().mean(1)
    log_weights_BM = log_mixture_weights(batch, batch, images, like=LIKE)
    for row in range(batch):
        estimates: dict[int, list[float]] = {n: [] for n in range(images)}
        for minibatch in permutations(range(images), batch):
            pairs_BM = log_qz_x_NN[list(minibatch)][:, list(minibatch)]
            log_qz_B = log_aggregate_posterior(pairs_BM, log_weights_BM)
            estimates[minibatch[row]].append(float(log_qz_B[row].exp()))
        mean_N = torch.tensor([sum(e) / len(e) for e in estimates.values()], dtype=torch.float64)
        torch.testing.assert_close(mean_N, exact_N)


def test_the_published_matrix_that_fills_column_zero_is_biased():
    """The oracle above would catch it: 1/N in column 0 instead of on the diagonal."""
    images, batch = 6, 3
    source = torch.Generator().manual_seed(1)
    log_qz_x_NN = torch.randn(images, images, generator=source, dtype=torch.float64)
    qz_x_NN = (log_qz_x_NN + 2 * torch.eye(images)).exp()  # a sample fits its own encoding best
    weights = torch.full((batch, batch), 1 / (batch - 1), dtype=torch.float64)
    weights.view(-1)[::batch] = 1 / images
    weights.view(-1)[1::batch] = (images - batch + 1) / (images * (batch - 1))
    rows = [
        float((weights[1] * qz_x_NN[m[1], list(m)]).sum())
        for m in permutations(range(images), batch)
        if m[1] == 0
    ]
    assert abs(sum(rows) / len(rows) - float(qz_x_NN[0].mean())) > 0.3


@pytest.mark.parametrize(("batch", "images"), [(2, 2), (2, 7), (16, 60000), (128, 128)])
def test_weights_of_a_row_sum_to_one_with_its_own_on_the_diagonal(batch: int, images: int):
    weights_BM = log_mixture_weights(batch, batch, images, like=LIKE).exp()
    torch.testing.assert_close(weights_BM.sum(1), torch.ones(batch, dtype=torch.float64))
    torch.testing.assert_close(
        weights_BM.diagonal(), torch.full((batch,), 1 / images, dtype=torch.float64)
    )


def test_the_full_batch_is_the_exact_mean():
    log_qz_x_NN = torch.randn(40, 40, dtype=torch.float64)
    log_weights_NN = log_mixture_weights(40, 40, 40, like=LIKE)
    torch.testing.assert_close(
        log_aggregate_posterior(log_qz_x_NN, log_weights_NN), log_qz_x_NN.exp().mean(1).log()
    )


def test_rows_of_a_chunk_own_their_columns():
    whole = log_mixture_weights(10, 10, 50, like=LIKE)
    torch.testing.assert_close(log_mixture_weights(4, 10, 50, first=3, like=LIKE), whole[3:7])


@pytest.mark.parametrize(("encodings", "images"), [(1, 10), (11, 10)])
def test_impossible_sizes_are_refused(encodings: int, images: int):
    with pytest.raises(ValueError, match="need 2 <= encodings <= N"):
        log_mixture_weights(encodings, encodings, images, like=LIKE)
