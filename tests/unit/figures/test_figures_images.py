from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from runner.figures.images import in_rows, tile
from runner.figures.page import DPI
from runner.figures.style import fit, styled


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 28, 64])
def test_each_image_stands_at_its_place_and_all_else_is_white(side: int, channels: int):
    images_IJCHW = images(3, 4, channels, side, side) * 0.9
    montage = tile(images_IJCHW)
    colours = np.broadcast_to(images_IJCHW, (3, 4, 3, side, side))
    left_over = montage.array_YX3.copy()
    for i, top in enumerate(montage.tops_I):
        for j, left in enumerate(montage.lefts_J):
            box = np.s_[top : top + side, left : left + side]
            np.testing.assert_array_equal(left_over[box], colours[i, j].transpose(1, 2, 0))
            left_over[box] = 1
    assert (left_over == 1).all()
    assert montage.array_YX3.shape[1] > 4 * side  # there is some white


def test_rows_and_columns_are_separated_where_requested():
    montage = tile(images(4, 3, 1, 8, 6), rows_apart=[2], columns_apart=[1])
    gaps_I = np.diff(montage.tops_I) - 8
    gaps_J = np.diff(montage.lefts_J) - 6
    assert gaps_I[1] > gaps_I[0] == gaps_I[2] > 0
    assert gaps_J[0] > gaps_J[1] > 0


def test_values_outside_the_range_of_colours_are_clipped():
    montage = tile(np.array([-0.5, 1.5], np.float32).reshape(1, 2, 1, 1, 1))
    np.testing.assert_array_equal(montage.array_YX3[0, montage.lefts_J], [[0] * 3, [1] * 3])


def test_the_last_row_of_a_grid_is_filled_with_white():
    images_NCHW = images(5, 1, 8, 8)
    images_IJCHW = in_rows(images_NCHW, 3)
    assert images_IJCHW.shape == (2, 3, 1, 8, 8)
    np.testing.assert_array_equal(images_IJCHW.reshape(6, 1, 8, 8)[:5], images_NCHW)
    assert (images_IJCHW[1, 2] == 1).all()


@pytest.mark.parametrize(("side", "zoom"), [(8, 8), (28, 2), (64, 1), (96, 1)])
def test_an_images_pixel_covers_a_whole_number_of_the_pages(side: int, zoom: int):
    """The rendered image is the array with each pixel repeated: nothing is resampled."""
    montage = tile(images(2, 5, 3, side, side))
    with styled():
        figure, grid, axes = montage.new_figure()
        axes.set_yticks(montage.centres_I, ["a name", "another one"])
        axes.set_title(
            "a title that is wider than the images of any size, and much wider than some"
        )
        fit(figure, grid)
    assert montage.zoom == zoom
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    height, width = montage.size
    left, bottom, right, top = axes.bbox.extents.round().astype(int)
    assert (right - left, top - bottom) == (width, height)
    rendered = np.asarray(canvas.buffer_rgba())[::-1][bottom:top, left:right, :3][::-1]
    expected = (montage.array_YX3 * 255).repeat(zoom, 0).repeat(zoom, 1)
    assert np.abs(rendered - expected).max() <= 1
    np.testing.assert_allclose(figure.get_size_inches() * DPI % 1, 0, atol=1e-6)


def test_long_rows_are_not_enlarged_beyond_a_page():
    assert tile(images(1, 40, 1, 8, 8)).zoom == 2
    assert tile(images(1, 40, 1, 28, 28)).zoom == 1
