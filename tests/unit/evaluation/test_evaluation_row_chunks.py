"""Chunks of samples against all encodings: each sample once, with its own encoding marked."""

from __future__ import annotations

import pytest
import torch

from runner.evaluation import row_chunks
from runner.evaluation.encodings import Encodings
from runner.objective import log_mixture_weights
from tests.conftest import prior_of

COUNT = 23


@pytest.fixture
def every() -> Encodings:
    source = torch.Generator().manual_seed(0)
    return Encodings(
        indices_M=torch.arange(COUNT),
        parameters_MP=torch.randn(COUNT, 4, generator=source),
        z_MW=torch.randn(COUNT, 2, generator=source),
        mean_MW=torch.zeros(COUNT, 2),
        log_px_z_M=torch.zeros(COUNT),
        factors_MF=torch.stack([torch.arange(COUNT) % 3, torch.arange(COUNT) % 2], dim=1),
        dataset_size=100,
    )


@pytest.mark.parametrize("samples", [5, 17, COUNT])
def test_chunks_are_the_rows_of_the_whole(
    every: Encodings, monkeypatch: pytest.MonkeyPatch, samples: int
):
    latents = prior_of(normals=2)
    monkeypatch.setattr(row_chunks, "_ROWS", 5)
    chunks = list(row_chunks.row_chunks(latents, every, samples))
    assert sum(chunk.size for chunk in chunks) == samples
    whole = latents.densities(every.z_MW, every.parameters_MP, every.parameters_MP)
    pairs_VBM = torch.cat([chunk.densities.sampled_VBM for chunk in chunks], dim=1)
    torch.testing.assert_close(pairs_VBM, whole.sampled_VBM[:, :samples])
    weights_BM = torch.cat([chunk.log_weights() for chunk in chunks])
    expected_MM = log_mixture_weights(COUNT, COUNT, 100, like=every.z_MW)
    assert torch.equal(weights_BM, expected_MM[:samples])
    own = [chunk.log_weights().diagonal(chunk.first) for chunk in chunks]
    assert torch.equal(torch.cat(own), expected_MM.diagonal()[:samples])


def test_encodings_with_the_same_factor_are_marked(every: Encodings):
    same_BFM = torch.cat(
        [chunk.same_factors() for chunk in row_chunks.row_chunks(prior_of(normals=2), every, 21)]
    )
    assert same_BFM.shape == (21, 2, COUNT)
    for i, j, f in [(0, 3, 0), (0, 3, 1), (20, 2, 0), (20, 1, 1)]:
        assert bool(same_BFM[i, f, j]) == bool(every.factors_MF[i, f] == every.factors_MF[j, f])
