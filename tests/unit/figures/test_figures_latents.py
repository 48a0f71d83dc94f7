from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from runner.figures.latents import latents

NAMES = ["square", "ellipse", "heart"]


def blobs(count: int, columns: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of well-separated classes, and the classes."""
    source = np.random.default_rng(0)
    centres = 3 * source.normal(size=(classes, columns))
    labels = np.arange(count) % classes
    return centres[labels] + 0.3 * source.normal(size=(count, columns)), labels


def test_every_point_has_the_colour_of_its_class():
    points, labels = blobs(60, 2)
    figure = latents(points, labels, NAMES, "the title")
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "the title"
    scatter = axes.collections[0]
    drawn = {
        tuple(place): to_hex(colour)
        for place, colour in zip(
            np.asarray(scatter.get_offsets()).round(6).tolist(),
            scatter.get_facecolors(),
            strict=True,
        )
    }
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == NAMES
    colours = [to_hex(dot.get_color()) for dot in legend.get_lines()]
    assert len(set(colours)) == 3
    for place, label in zip(points.round(6).tolist(), labels, strict=True):
        assert drawn[tuple(place)] == colours[label]


def test_only_classes_that_occur_are_named():
    points, labels = blobs(5, 2)
    names = [f"class {c}" for c in range(20)]
    figure = latents(points, labels * 7, names, "")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["class 0", "class 7", "class 14"]


def test_classes_are_named_on_the_map_inside_their_own_points():
    labels = np.arange(60) % 3
    points = np.array([[0, 0], [6, 0], [0, 6]])[labels] + np.random.default_rng(0).random((60, 2))
    points[labels == 0] += np.where(np.arange(20) % 2, 3, -3)[:, None]  # a class in two parts
    figure = latents(points, labels, NAMES, "")
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == NAMES
    for c, text in enumerate(texts):
        gaps = np.linalg.norm(points[labels == c] - text.get_position(), axis=1)
        assert gaps.min() < 1e-6


def test_names_that_would_overlap_are_left_to_the_legend():
    points = np.random.default_rng(0).normal(size=(300, 2))
    figure = latents(points, np.arange(300) % 3, NAMES, "")
    assert not figure.axes[0].texts
    assert len(figure.legends[0].get_texts()) == 3


def test_both_axes_have_one_scale_and_all_points_are_inside():
    points = np.random.default_rng(0).normal(size=(50, 2)) * [10, 1] + [100, -3]
    axes = latents(points, np.zeros(50, int), ["0"], "").figure.axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    np.testing.assert_allclose(right - left, top - bottom)
    assert left < points[:, 0].min() < points[:, 0].max() < right
    assert bottom < points[:, 1].min() < points[:, 1].max() < top


def test_identical_points_are_drawn():
    figure = latents(np.zeros((30, 2)), np.zeros(30, int), ["0"], "collapsed")
    figure.draw_without_rendering()
    assert len(figure.axes[0].collections[0].get_offsets()) == 30


@pytest.mark.parametrize("classes", [1, 10, 11, 26])
def test_every_class_has_a_colour_of_its_own(classes: int):
    points = np.random.default_rng(0).normal(size=(classes, 2))
    figure = latents(points, np.arange(classes), [str(c) for c in range(classes)], "")
    dots = figure.legends[0].get_lines()
    assert len({to_hex(dot.get_color()) for dot in dots}) == classes


def test_no_global_state_is_touched():
    before = dict(matplotlib.rcParams)
    latents(*blobs(10, 2), NAMES, "")
    assert dict(matplotlib.rcParams) == before


def test_images_of_which_nothing_is_known_have_one_colour_and_no_legend():
    points, _ = blobs(60, 2)
    figure = latents(points, np.zeros(60, int), (), "the title")
    assert figure.legends == []
    assert len({to_hex(c) for c in figure.axes[0].collections[0].get_facecolors()}) == 1
    assert [text.get_text() for text in figure.axes[0].texts] == []
