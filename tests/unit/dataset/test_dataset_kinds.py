"""Kinds of examples: what a model sees of them, and which likelihoods they admit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import IMAGES, POINTS, Dataset


def test_bytes_become_values_from_0_to_1_and_points_stay_as_they_are():
    stored = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    seen = IMAGES.to_input(stored)
    assert seen.dtype == torch.float32
    assert torch.equal(seen, torch.arange(256).view(4, 1, 8, 8) / 255)
    points = torch.randn(5, 1, 1, 2)
    assert torch.equal(POINTS.to_input(points), points)


@pytest.mark.parametrize(
    ("words", "admitted"),
    [
        (("likelihood=bernoulli",), False),
        (("likelihood=categorical",), False),
        (("likelihood=gaussian",), False),
        (("likelihood=laplace", "likelihood.mean=linear"), True),
    ],
)
def test_points_admit_likelihoods_of_any_real_number(
    composed: Callable[..., RunConfig], words: tuple[str, ...], *, admitted: bool
):
    likelihood = composed(*words).likelihood
    assert POINTS.admits(likelihood) is admitted
    assert IMAGES.admits(likelihood)


def test_probe_images_are_what_a_model_sees(toy_dataset: Dataset):
    probes = toy_dataset.probe_images(torch.device("cpu"))
    assert probes.dtype == torch.float32
    assert 0.9 < float(probes.max()) <= 1.0
