"""The grid of styles and classes: a column for each class, below its name."""

from __future__ import annotations

import numpy as np

from runner.figures.class_grid import class_grid

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
