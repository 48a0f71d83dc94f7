"""The figure of a model of points: the densities in it are those of the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import load
from runner.evaluation import encode
from runner.figures import plane_of_run as plane_pictures
from runner.figures.plane import Densities, Points
from runner.model import VaeRepresentation, build

WORDS = ("experiment=pinwheel", "architecture.widths=[16]")


def drawn(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> tuple[Points, Densities] | None:
    """Return what is handed to the drawing, or None where nothing is drawn."""
    dataset = load(config.dataset, "", torch.device("cpu"))
    trained = build(config, shape=dataset.shape, classes=dataset.classes)
    model = VaeRepresentation(trained, dataset.kind.to_input)
    source = torch.Generator().manual_seed(0)
    encodings = encode(model, dataset.test, 400, source)
    handed = []
    monkeypatch.setattr(plane_pictures, "plane", lambda *given: handed.append(given))
    plane_pictures.plane_picture(model, dataset, encodings, source)
    return handed[0] if handed else None


def test_both_densities_integrate_to_one_over_the_window(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
):
    handed = drawn(composed(*WORDS), monkeypatch)
    assert handed is not None
    points, densities = handed
    window = densities.window
    cell = (window.right - window.left) * (window.top - window.bottom) / densities.prior_HW.size
    assert float(densities.prior_HW.sum()) * cell == pytest.approx(1, abs=0.02)
    assert float(densities.posterior_HW.sum()) * cell == pytest.approx(1, abs=0.05)
    assert points.data_N2.shape == points.reconstructions_N2.shape == points.z_N2.shape == (400, 2)
    assert np.unique(points.classes_N).tolist() == [0, 1, 2, 3]


def test_only_a_latent_plane_is_drawn(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
):
    words = ("prior=normal", "prior.dimensions=4", "objective=vae")
    assert drawn(composed(*WORDS, *words), monkeypatch) is None
