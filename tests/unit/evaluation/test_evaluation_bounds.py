"""Many variables, factors and encodings: the same numbers from parts, and bounds that are said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner import progress
from runner.evaluation import prior_distances, row_chunks
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all, set_information
from runner.evaluation.mig_density import gap_information
from runner.evaluation.prior_distances import distances
from runner.objective import divergences
from tests.conftest import prior_of

COUNT, VARIABLES = 60, 5


class Said:
    """A listener that remembers what is left out."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def tell(self, what: str, done: int, total: int) -> None:
        assert 0 <= done <= total, what

    def check(self) -> None:
        pass

    def left_out(self, what: str) -> None:
        self.missing.append(what)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def every() -> Encodings:
    parameters_MP = torch.randn(COUNT, 2 * VARIABLES, generator=source())
    return Encodings(
        indices_M=torch.arange(COUNT),
        parameters_MP=parameters_MP,
        z_MW=torch.randn(COUNT, VARIABLES, generator=source(1)),
        mean_MW=parameters_MP[:, :VARIABLES],
        log_px_z_M=torch.randn(COUNT, generator=source(2)),
        factors_MF=torch.stack([torch.arange(COUNT) % 3, torch.arange(COUNT) % 2], dim=1),
        dataset_size=COUNT,
    )


LATENTS = prior_of(normals=VARIABLES)
SINGLES = [(v,) for v in range(VARIABLES)]
ESTIMATES: dict[str, Callable[[Encodings], list[float]]] = {
    "terms": lambda every: list(decompose_all(LATENTS, every).terms.values()),
    "information": lambda every: list(decompose_all(LATENTS, every).variable.values()),
    "factors": lambda every: [
        number for row in set_information(LATENTS, every, [3, 2], SINGLES)[0] for number in row
    ],
    "gap": lambda every: (
        gap_information(LATENTS, every, samples=COUNT, source=source()).flatten().tolist()
    ),
}


@pytest.mark.parametrize("estimate", ESTIMATES.values(), ids=ESTIMATES)
def test_the_size_of_the_chunks_changes_no_number(
    every: Encodings, estimate: Callable[[Encodings], list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimate(every)
    monkeypatch.setattr(row_chunks, "_PAIRS_AT_ONCE", 1)  # a sample at a time
    said = Said()
    with progress.listening(said):
        assert estimate(every) == pytest.approx(whole, abs=1e-5)
    assert said.missing == []


@pytest.mark.parametrize("estimate", ESTIMATES.values(), ids=ESTIMATES)
def test_samples_that_take_too_long_are_left_out_and_this_is_said(
    every: Encodings, estimate: Callable[[Encodings], list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimate(every)
    monkeypatch.setattr(row_chunks, "_PAIRS", 1)
    monkeypatch.setattr(row_chunks, "_LEAST_SAMPLES", 30)
    said = Said()
    with progress.listening(said):
        found = estimate(every)
    assert any(f"from 30 of {COUNT} samples" in text for text in said.missing)
    assert found != whole
    assert len(found) == len(whole)


def test_no_tensor_of_a_chunk_grows_with_the_number_of_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_chunks, "_PAIRS_AT_ONCE", 1000)
    for variables in (2, 8):
        latents = prior_of(normals=variables)
        every = Encodings(
            indices_M=torch.arange(100),
            parameters_MP=torch.randn(100, 2 * variables, generator=source()),
            z_MW=torch.randn(100, variables, generator=source(1)),
            mean_MW=torch.zeros(100, variables),
            log_px_z_M=torch.zeros(100),
            factors_MF=torch.zeros(100, 1).long(),
            dataset_size=100,
        )
        chunks = list(row_chunks.row_chunks(latents, every, 100))
        assert max(chunk.densities.sampled_VBM.numel() for chunk in chunks) <= 1000
        assert sum(chunk.size for chunk in chunks) == 100


def test_evenly_spaced_encodings_come_first_and_none_is_lost(every: Encodings) -> None:
    spread = every.spread(5)
    assert spread.indices_M[:5].tolist() == [0, 15, 30, 44, 59]
    assert sorted(spread.indices_M.tolist()) == list(range(COUNT))
    assert torch.equal(spread.z_MW, every.z_MW[spread.indices_M])


def test_distances_from_the_prior_are_those_of_the_objective(every: Encodings) -> None:
    found = distances(LATENTS, every, source(3))
    uniform_MU = torch.rand((COUNT, LATENTS.uniform_count), generator=source(3))
    pair = every.z_MW, LATENTS.sample_prior(uniform_MU)
    scales = prior_distances._SCALES
    joint = float(divergences.mmd(*pair, "imq", scales))
    single = float(divergences.dimension_wise_mmd(*pair, "imq", scales))
    assert found["mmd"] == pytest.approx(joint, abs=1e-5)
    assert found["dimension_wise_mmd"] == pytest.approx(single, abs=1e-5)


def test_pairs_that_take_too_long_are_left_out_of_the_distances(
    every: Encodings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior_distances, "_PAIRS", 1)
    monkeypatch.setattr(prior_distances, "_LEAST_SAMPLES", 20)
    said = Said()
    with progress.listening(said):
        distances(LATENTS, every, source(3))
    assert said.missing == [f"MMD from 20 of {COUNT} encodings in 5 variables"]
