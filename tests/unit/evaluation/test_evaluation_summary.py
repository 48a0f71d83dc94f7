"""The final figures of a small trained model, and the pictures drawn from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.figures.of_run import RunFigures
from runner.model import build
from runner.objective import TERM_NAMES, Objective
from runner.training import TrainingState, train
from tests.conftest import represent


@pytest.fixture(scope="module")
def pictures(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> RunFigures:
    config = composed(
        "architecture=mlp",
        "architecture.widths=[32]",
        "prior=concrete_normal",
        "prior.dimensions=3",
        "objective=beta_vae",
        "beta=1",
        "++objective.group_information={category: -20}",
        "batch_size=32",
        "learning_rate=0.01",
        "evaluation.traversal_steps=5",
        "evaluation.map_points=60",
    )
    model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, 256)
    state = TrainingState.fresh(model, config)
    for _ in train(state, objective, toy_dataset, config, 300):
        pass
    encodings = encode(represent(model), toy_dataset.test, 256, torch.Generator().manual_seed(0))
    summary = summarize(represent(model), toy_dataset, encodings, torch.Generator().manual_seed(0))
    return RunFigures(represent(model), toy_dataset, encodings, config.evaluation, summary)


def test_the_terms_sum_to_the_negative_elbo(pictures: RunFigures):
    summary = pictures.summary
    assert list(summary["terms"]) == list(TERM_NAMES)
    assert sum(summary["terms"].values()) == pytest.approx(-summary["elbo"])
    assert sum(summary["information"]["rate"].values()) == pytest.approx(summary["rate"])
    # The four terms beside the reconstruction estimate the rate from one draw an image.
    rate = -summary["elbo"] - summary["terms"]["reconstruction"]
    assert rate == pytest.approx(summary["rate"], abs=0.5)


def test_a_rewarded_category_finds_the_four_kinds_of_image(pictures: RunFigures):
    summary = pictures.summary
    assert summary["information"]["variable"]["category"] > 1.0
    assert summary["scores"]["purity"] > 0.7
    assert summary["information"]["factor"]["category"]["label"] > 0.8
    assert summary["split"] == "all"


def test_every_figure_of_a_run_is_drawn(pictures: RunFigures):
    drawn = dict(pictures.figures(torch.Generator().manual_seed(0)))
    assert list(drawn) == [
        "reconstructions",
        "samples",
        "traversals",
        "interpolation",
        "information",
        "latents",
    ]
    assert all(figure.get_axes() for figure in drawn.values())


def test_rows_run_from_the_most_informative_variable_to_the_least(pictures: RunFigures):
    rows = pictures.traversal_rows()
    assert len(rows) == 4 + 3  # a row a class of the category, a row a normal
    known = [row.information for row in rows if row.information is not None]
    assert known == sorted(known, reverse=True)
    labels = {row.label for row in rows}
    assert {"category = 0", "category = 3", "style_0", "style_2"} <= labels
    assert all(row.images_TCHW.shape == (5, 1, 8, 8) for row in rows)


def test_a_traversal_moves_one_variable_alone(pictures: RunFigures):
    """At the base image's own value of a variable its row shows the base reconstruction."""
    base = pictures.model.discretise(pictures.encodings.mean_MW[:1])
    columns = pictures.model.columns["style_0"]
    middle = base.clone()
    middle[:, columns] = 0.0
    with torch.no_grad():
        expected = pictures.model.decode(middle)[0].numpy()
    (row,) = [row for row in pictures.traversal_rows() if row.label == "style_0"]
    np.testing.assert_allclose(row.images_TCHW[2], expected, atol=1e-6)


def test_the_animation_is_a_loop_of_bytes(pictures: RunFigures):
    frames = pictures.animation()
    assert frames.dtype == np.uint8
    assert frames.shape[0] == 2 * 5 - 2
    assert frames.shape[3] == 3
