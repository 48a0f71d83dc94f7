"""The latent plane of a model of points: the densities are those of the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import load
from runner.evaluation import encode
from runner.evaluation.latent_plane import Densities, Points, latent_plane
from runner.model import VaeRepresentation, build

OVERRIDES = ("experiment=pinwheel", "architecture.widths=[16]")


def plane_of(config: RunConfig) -> tuple[Points, Densities] | None:
    dataset = load(config.dataset, "", torch.device("cpu"))
    trained = build(config, shape=dataset.shape, classes=dataset.classes)
    model = VaeRepresentation(trained, dataset.kind.to_input)
    source = torch.Generator().manual_seed(0)
    encodings = encode(model, dataset.test, 400, source)
    return latent_plane(model, dataset, encodings, source)


def test_both_densities_integrate_to_one_over_the_window(composed: Callable[..., RunConfig]):
    found = plane_of(composed(*OVERRIDES))
    assert found is not None
    points, densities = found
    window = densities.window
    cell_area = (
        (window.right - window.left) * (window.top - window.bottom) / densities.prior_HW.size
    )
    assert float(densities.prior_HW.sum()) * cell_area == pytest.approx(1, abs=0.02)
    assert float(densities.posterior_HW.sum()) * cell_area == pytest.approx(1, abs=0.05)
    assert points.data_N2.shape == points.reconstructions_N2.shape == points.z_N2.shape == (400, 2)
    assert np.unique(points.classes_N).tolist() == [0, 1, 2, 3]


def test_only_a_two_dimensional_latent_space_has_a_plane(composed: Callable[..., RunConfig]):
    overrides = ("prior=normal", "prior.dimensions=4", "objective=vae")
    assert plane_of(composed(*OVERRIDES, *overrides)) is None
