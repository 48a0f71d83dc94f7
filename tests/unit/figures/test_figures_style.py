from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from runner.figures.style import draw_bars, number, page, place, text_width


@pytest.mark.parametrize(
    ("value", "words"),
    [(1.256, "1.26"), (0.0, "0.00"), (-0.001, "0.00"), (-0.5, "\N{MINUS SIGN}0.50")],
)
def test_numbers_have_two_decimals(value: float, words: str):
    assert number(value) == words


def test_axes_are_placed_in_pixels_from_the_top_left_corner():
    figure = page(400, 300)
    axes = place(figure, (40, 30, 200, 100))
    np.testing.assert_allclose(axes.bbox.extents, [40, 170, 240, 270])
    assert figure.get_facecolor() == (1, 1, 1, 1)


def test_the_widest_word_counts():
    assert text_width("i", "www") == text_width("www") > text_width("i") > 0


def test_numbers_stand_at_the_ends_of_their_bars_or_further_out():
    axes = Figure().add_subplot()
    draw_bars(axes, [(0, 2.0), (1, 1.0)], thickness=0.5, ends=[2.5, 0.5])
    assert [text.xy for text in axes.texts] == [(2.5, 0), (1.0, 1)]
    assert axes.get_xlim() == (0, 2.5)


def test_negative_values_are_numbers_without_a_bar():
    axes = Figure().add_subplot()
    draw_bars(axes, [(0, -0.25)], thickness=0.5)
    assert axes.texts[0].xy == (0, 0)
    assert axes.get_xlim() == (0, 1)
