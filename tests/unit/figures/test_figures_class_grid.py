"""The grid of styles and classes: a column for each class, below its name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.figures.class_grid import class_grid
from runner.figures.of_run import FIGURES, RunFigures
from runner.model import build
from tests.conftest import represent

IMAGES = np.random.default_rng(0).random((3, 4, 1, 28, 28))


def test_columns_have_the_names_of_classes():
    axes = class_grid(IMAGES, ["a", "b", "c", "d"]).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c", "d"]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}
    assert not axes.patches


def test_the_images_that_styles_are_of_stand_in_front_in_frames():
    names = ["T-shirt/top", "trouser", "pullover", "dress", "not shown"]
    axes = class_grid(IMAGES, names, IMAGES[:, 0]).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["image", *names[:4]]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {90}
    assert len(axes.patches) == 3


@pytest.mark.parametrize("labels", ["8", "null"])
def test_a_run_with_labels_has_both_grids(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, labels: str
):
    config = composed("architecture=mlp", "prior=concrete_normal", "prior.dimensions=2",
                      f"labels={labels}")  # fmt: skip
    model = represent(build(config, shape=toy_dataset.shape, classes=toy_dataset.classes))
    source = torch.Generator().manual_seed(0)
    encodings = encode(model, toy_dataset.test, 12, source)
    summary = summarize(model, toy_dataset, encodings, source)
    run = RunFigures(model, toy_dataset, encodings, config.evaluation, summary)
    for name, columns in (("style_transfer", ["image", "0", "1", "2", "3"]),
                          ("analogies", ["0", "1", "2", "3"])):  # fmt: skip
        figure = FIGURES[name].draw(run, source)
        if labels == "null":
            assert figure is None
            continue
        assert figure is not None
        ticks = figure.axes[0].get_xticklabels()
        assert [label.get_text() for label in ticks] == columns
