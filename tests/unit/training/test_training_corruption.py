"""Corruption of images: against loops, its rates and ranges, and an amount of zero."""

from __future__ import annotations

import statistics

import pytest
import torch
from torch import Tensor

from runner.config.objective_schema import CORRUPTIONS as CORRUPTION_NAMES
from runner.training.corruption import CORRUPTIONS, corrupt

SHAPE = (8, 3, 40, 40)


def uniform(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.rand(SHAPE, generator=source, dtype=dtype)


def by_loops(value: float, kind: str, amount: float, draw: float) -> float:
    if kind == "gaussian":
        return min(1.0, max(0.0, value + amount * statistics.NormalDist().inv_cdf(draw)))
    if draw >= amount:
        return value
    return 1.0 if kind == "salt_and_pepper" and draw >= amount / 2 else 0.0


def test_the_kinds_are_those_that_the_settings_name():
    assert set(CORRUPTIONS) == set(CORRUPTION_NAMES)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_corruption_is_the_rule_in_loops(kind: str):
    images, noise = uniform(1)[:1, :, :9, :9], uniform()[:1, :, :9, :9]
    values = zip(images.flatten().tolist(), noise.flatten().tolist(), strict=True)
    expected = torch.tensor([by_loops(x, kind, 0.4, u) for x, u in values]).view(images.shape)
    for amount in (0.4, torch.tensor(0.4, dtype=torch.float64)):
        got = corrupt(images, kind, amount, noise)
        torch.testing.assert_close(got, expected.double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_amount_of_zero_changes_nothing(kind: str, dtype: torch.dtype):
    noise = uniform(dtype=dtype)
    noise[0, 0, 0, :2] = torch.tensor([0.0, 1 - torch.finfo(dtype).eps / 2])  # what rand can give
    images = uniform(1, dtype=dtype)
    assert torch.equal(corrupt(images, kind, 0.0, noise), images)
    bytes_BCHW = (256 * images).to(torch.uint8)
    got = corrupt(bytes_BCHW, kind, 0.0, noise)
    assert torch.equal(got, bytes_BCHW.to(dtype) / 255)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("amount", [0.1, 1.0])
def test_images_stay_finite_and_in_range_and_the_source_is_unchanged(kind: str, amount: float):
    noise = uniform(dtype=torch.float32)
    noise[0, 0, 0, :2] = torch.tensor([0.0, 1 - torch.finfo(torch.float32).eps / 2])
    images = (256 * uniform(1)).to(torch.uint8)
    before = images.clone()
    got = corrupt(images, kind, amount, noise)
    assert got.dtype == torch.float32
    assert got.shape == images.shape
    assert float(got.min()) >= 0
    assert float(got.max()) <= 1
    assert torch.equal(images, before)


@pytest.mark.parametrize("amount", [0.1, 0.25, 1.0])
def test_masking_and_salt_and_pepper_hit_their_share(amount: float):
    images = torch.full(SHAPE, 0.5, dtype=torch.float64)
    error = 4 * (0.25 / images.numel()) ** 0.5
    masked = corrupt(images, "masking", amount, uniform())
    assert float((masked == 0).double().mean()) == pytest.approx(amount, abs=error)
    assert set(masked.unique().tolist()) <= {0.0, 0.5}
    salted = corrupt(images, "salt_and_pepper", amount, uniform())
    for extreme in (0, 1):
        share = float((salted == extreme).double().mean())
        assert share == pytest.approx(amount / 2, abs=error)


def test_gaussian_noise_has_its_standard_deviation():
    images = torch.full(SHAPE, 0.5, dtype=torch.float64)
    noise = corrupt(images, "gaussian", 0.05, uniform()) - images  # ten deviations from the ends
    assert float(noise.mean()) == pytest.approx(0, abs=4 * 0.05 / noise.numel() ** 0.5)
    assert float(noise.std()) == pytest.approx(0.05, rel=0.02)
    kurtosis = float((noise / noise.std()).pow(4).mean())
    assert kurtosis == pytest.approx(3, abs=0.2)
