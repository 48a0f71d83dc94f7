from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from runner.evaluation.latent_plane import Densities, Points, Window
from runner.figures.page import DPI
from runner.figures.plane import plane, shades
from runner.figures.style import COLOURS

NAMES = ["arm 0", "arm 1", "arm 2"]
WINDOW = Window(-4, 4, -3, 5)


def normal(cells: np.ndarray, x: float, y: float, scale: float) -> np.ndarray:
    square = ((cells - [x, y]) ** 2).sum(-1) / scale**2
    return np.exp(-square / 2) / (2 * np.pi * scale**2)


def some_points(count: int = 60) -> Points:
    source = np.random.default_rng(0)
    data = source.normal(size=(count, 2)) * [3, 1]
    moved = data + 0.1 * source.normal(size=(count, 2))
    return Points(data, moved, source.normal(size=(count, 2)), np.arange(count) % 3, NAMES)


def some_densities(posterior_scale: float = 1.0) -> Densities:
    cells = WINDOW.cells(80)
    return Densities(WINDOW, normal(cells, 1, 2, 1), normal(cells, 0, 1, posterior_scale))


def dots(axes) -> list[PathCollection]:
    return [c for c in axes.collections if isinstance(c, PathCollection)]


def legends(figure: Figure) -> list[Legend]:
    return [each for each in figure.findobj(Legend) if isinstance(each, Legend)]


def test_a_window_is_square_and_holds_every_draw_away_from_its_border():
    z = np.random.default_rng(0).normal(size=(50, 2)) * [10, 1] + [100, -3]
    left, right, bottom, top = Window.around(z)
    assert right - left == pytest.approx(top - bottom)
    assert left < z[:, 0].min() - 1 < z[:, 0].max() + 1 < right
    assert bottom < z[:, 1].min() < z[:, 1].max() < top


def test_identical_draws_have_a_window():
    assert Window.around(np.ones((5, 2))) == (0, 2, 0, 2)


def test_grid_points_are_the_centres_of_equal_parts_lowest_row_first():
    cells = Window(0, 4, 10, 18).cells(4)
    assert cells.shape == (4, 4, 2)
    np.testing.assert_allclose(cells[0, :, 0], [0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(cells[:, 3, 1], [11, 13, 15, 17])
    assert (cells[0, :, 1] == 11).all()


def test_a_density_on_the_grid_integrates_to_one():
    assert some_densities().prior_HW.sum() * 64 / 80**2 == pytest.approx(0.996, abs=2e-3)


def test_data_and_reconstructions_lie_where_they_are_in_the_colours_of_their_classes():
    points = some_points()
    figure = plane(points, some_densities())
    data, rings = dots(figure.axes[0])
    np.testing.assert_allclose(data.get_offsets(), points.data_N2)
    np.testing.assert_allclose(rings.get_offsets(), points.reconstructions_N2)
    (legend,) = [each for each in legends(figure) if len(each.get_texts()) == 3]
    colours = [to_hex(mark.get_color()) for mark in legend.get_lines()]
    assert len(set(colours)) == 3
    assert [text.get_text() for text in legend.get_texts()] == NAMES
    expected = [colours[c] for c in points.classes_N]
    assert [to_hex(colour) for colour in data.get_facecolors()] == expected
    assert [to_hex(colour) for colour in rings.get_edgecolors()] == expected
    assert len(rings.get_facecolors()) == 0


def test_every_reconstruction_is_joined_to_its_point():
    points = some_points()
    (lines,) = [
        c for c in plane(points, some_densities()).axes[0].collections if hasattr(c, "get_segments")
    ]
    ends = np.array(lines.get_segments())
    np.testing.assert_allclose(ends[:, 0], points.data_N2)
    np.testing.assert_allclose(ends[:, 1], points.reconstructions_N2)


def test_draws_of_z_keep_their_colours_in_their_shuffled_order():
    points = some_points()
    (scatter,) = dots(plane(points, some_densities()).axes[1])
    class_of = dict(zip(map(tuple, points.z_N2.tolist()), points.classes_N, strict=True))
    offsets = np.asarray(scatter.get_offsets()).tolist()
    assert sorted(offsets) == sorted(points.z_N2.tolist())
    for place, colour in zip(offsets, scatter.get_facecolors(), strict=True):
        assert to_hex(colour) == COLOURS[class_of[tuple(place)]]


def test_densities_are_drawn_upright_in_the_one_window_on_one_scale():
    densities = some_densities()
    prior, posterior = plane(some_points(), densities).axes[1:3]
    for axes, density in ((prior, densities.prior_HW), (posterior, densities.posterior_HW)):
        (image,) = axes.images
        np.testing.assert_allclose(image.get_array(), density)
        assert (image.origin, tuple(image.get_extent())) == ("lower", tuple(WINDOW))
        assert (*axes.get_xlim(), *axes.get_ylim()) == tuple(WINDOW)
        assert axes.bbox.width == pytest.approx(axes.bbox.height)  # of a square window
    assert prior.images[0].get_clim() == posterior.images[0].get_clim()


@pytest.mark.parametrize("panel", [1, 2])
def test_lines_enclose_half_and_nearly_all_of_the_prior(panel):
    axes = plane(some_points(), some_densities()).axes[panel]
    (lines,) = [c for c in axes.collections if hasattr(c, "levels")]
    outer, inner = (
        np.linalg.norm(path.vertices - [1, 2], axis=1).mean() for path in lines.get_paths()
    )
    # A standard normal in the plane has 1 - exp(-r^2/2) of its mass within r.
    assert inner == pytest.approx(np.sqrt(-2 * np.log(0.5)), abs=0.03)
    assert outer == pytest.approx(np.sqrt(-2 * np.log(0.05)), abs=0.06)


@pytest.mark.parametrize(
    ("scale", "share"), [(2.0, 1.0), (0.9, 1 / 0.81), (0.1, 2.0)], ids=["wide", "near", "needle"]
)
def test_shades_end_at_the_highest_density_but_within_twice_the_prior(scale, share):
    densities = some_densities(scale)
    end = shades(densities).vmax / densities.prior_HW.max()
    assert end == pytest.approx(share, rel=1e-2)


def test_all_text_is_inside_the_figure_and_legends_do_not_overlap():
    figure = plane(some_points(), some_densities(0.1))
    figure.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in legends(figure)]
    assert len(boxes) == 3
    boxes += [axes.get_tightbbox() for axes in (*figure.axes[:3], figure.axes[5])]
    width, height = figure.get_size_inches() * DPI
    for i, box in enumerate(boxes):
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[:i])
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "points and their reconstructions",
        "prior p(z), and draws z from q(z|x)",
        "aggregate posterior q(z)",
    ]


def test_numbers_along_the_axes_stand_at_their_values():
    axes = plane(some_points(), some_densities()).axes[1]
    labels = {
        float(label.get_text().replace("\N{MINUS SIGN}", "-")): label.get_position()[1]
        for label in axes.get_yticklabels()
    }
    assert all(number == place for number, place in labels.items())
    assert [place for place in labels.values() if -3 <= place <= 5] == [-2, 0, 2, 4]


def test_a_flat_density_is_drawn():
    flat = np.ones((20, 20))
    plane(some_points(), Densities(WINDOW, flat, flat)).draw_without_rendering()


def test_a_single_point_is_drawn():
    plane(some_points(1), some_densities()).draw_without_rendering()


def test_no_global_state_is_touched():
    before = dict(matplotlib.rcParams)
    plane(some_points(), some_densities())
    assert dict(matplotlib.rcParams) == before
