"""Distances of q(z) from the prior, and sparsity, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.evaluation.encodings import Encodings
from runner.evaluation.prior_distances import distances
from runner.model import LatentSpace
from runner.model.discrete import Concrete
from tests.conftest import prior_of


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def encodings(latents: LatentSpace, parameters_MP: Tensor) -> Encodings:
    count = len(parameters_MP)
    return Encodings(
        indices_M=torch.arange(count),
        parameters_MP=parameters_MP,
        z_MW=latents.discretise(latents.sample(parameters_MP, latents.noise(count, source(1)))),
        mean_MW=latents.posterior_mean(parameters_MP),
        log_px_z_M=torch.zeros(count),
        factors_MF=torch.zeros(count, 1).long(),
        dataset_size=count,
    )


def normal_numbers(count: int, variance: float, shift: float = 0.0) -> Tensor:
    """Return encodings of two variables whose samples are N(shift, 1) over the images."""
    loc = shift + math.sqrt(1 - variance) * torch.randn(count, 2, generator=source())
    return torch.cat([loc, torch.full_like(loc, 0.5 * math.log(variance))], dim=1)


def test_an_aggregate_posterior_equal_to_the_prior_has_distance_zero():
    got = distances(prior_of(normals=2), encodings(prior_of(normals=2), normal_numbers(4000, 0.3)),
                    source())  # fmt: skip
    assert got["covariance_of_codes"] == pytest.approx(0, abs=0.02)
    assert got["covariance_of_means"] == pytest.approx(2 * 0.3**2, abs=0.04)
    assert got["mmd"] == pytest.approx(0, abs=0.02)
    assert got["dimension_wise_mmd"] == pytest.approx(0, abs=0.02)


def test_the_distances_grow_with_the_shift():
    latents = prior_of(normals=2)
    near, far = (
        distances(latents, encodings(latents, normal_numbers(1000, 0.3, shift)), source())
        for shift in (0.5, 2.0)
    )
    for name in ("mmd", "dimension_wise_mmd"):
        assert 0.05 < near[name] < far[name]
        assert near["covariance_of_codes"] == pytest.approx(far["covariance_of_codes"], abs=1e-3)


def test_discrete_variables_are_left_out():
    numbers = normal_numbers(500, 0.3)
    logits = torch.randn(500, 3, generator=source())
    plain, mixed = prior_of(normals=2), prior_of({"category": Concrete(3)}, 2)
    one = distances(plain, encodings(plain, numbers), source())
    other = distances(mixed, encodings(mixed, torch.cat([logits, numbers], dim=1)), source())
    for name in ("covariance_of_means", "covariance_of_codes"):
        assert one[name] == pytest.approx(other[name])


def test_the_same_generator_gives_the_same_distances():
    latents = prior_of(normals=2)
    every = encodings(latents, normal_numbers(100, 0.3))
    assert distances(latents, every, source()) == distances(latents, every, source())
