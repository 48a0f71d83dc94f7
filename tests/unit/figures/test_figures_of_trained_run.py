"""The figures, traversals and animation of a small trained model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.figures.of_run import RunFigures
from tests.conftest import represent
from tests.trained_model import train_small_model


@pytest.fixture(scope="module")
def run_figures(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> RunFigures:
    model, config = train_small_model(composed, toy_dataset)
    encodings = encode(represent(model), toy_dataset.test, 256, torch.Generator().manual_seed(0))
    summary = summarize(represent(model), toy_dataset, encodings, torch.Generator().manual_seed(0))
    return RunFigures(represent(model), toy_dataset, encodings, config.evaluation, summary)


def test_every_figure_of_a_run_is_drawn(run_figures: RunFigures):
    drawn = dict(run_figures.figures(torch.Generator().manual_seed(0)))
    assert list(drawn) == [
        "reconstructions",
        "samples",
        "traversals",
        "interpolation",
        "information",
        "latents",
    ]
    assert all(figure.get_axes() for figure in drawn.values())


def test_rows_run_from_the_most_informative_variable_to_the_least(run_figures: RunFigures):
    rows = run_figures.traversal_rows()
    assert len(rows) == 4 + 3  # a row per class of the category and per normal variable
    information = [row.information for row in rows if row.information is not None]
    assert information == sorted(information, reverse=True)
    labels = {row.label for row in rows}
    assert {"category = 0", "category = 3", "style_0", "style_2"} <= labels
    assert all(row.images_TCHW.shape == (5, 1, 8, 8) for row in rows)


def test_a_traversal_moves_one_variable_alone(run_figures: RunFigures):
    """Mid-row the variable is 0, and the others have their values for the base image."""
    base = run_figures.model.discretise(run_figures.encodings.mean_MW[:1])
    columns = run_figures.model.columns["style_0"]
    middle = base.clone()
    middle[:, columns] = 0.0
    with torch.no_grad():
        expected = run_figures.model.decode(middle)[0].numpy()
    (row,) = [row for row in run_figures.traversal_rows() if row.label == "style_0"]
    np.testing.assert_allclose(row.images_TCHW[2], expected, atol=1e-6)


def test_the_animation_is_a_loop_of_bytes(run_figures: RunFigures):
    frames = run_figures.animation()
    assert frames.dtype == np.uint8
    assert frames.shape[0] == 2 * 5 - 2
    assert frames.shape[3] == 3
