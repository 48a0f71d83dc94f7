from __future__ import annotations

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from runner.figures.bars import draw_bars
from runner.figures.numbers import number, short_number
from runner.figures.page import DPI
from runner.figures.style import (
    fit,
    new_figure,
    shorten,
    styled,
    text_width,
    wrap,
)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1.256, 2, "1.26"),
        (0.0, 2, "0.00"),
        (-0.001, 2, "0.00"),
        (-0.5, 2, "\N{MINUS SIGN}0.50"),
        (1234.5, 1, "1\N{THIN SPACE}234.5"),
    ],
)
def test_numbers_have_so_many_decimals(value: float, decimals: int, text: str):
    assert number(value, decimals) == text


def test_short_numbers_have_no_needless_digits():
    texts = [short_number(value) for value in (-2.50, 0.0001, 1000.0, -0.0)]
    assert texts == ["\N{MINUS SIGN}2.5", "0.0001", "1000", "0"]


def test_the_widest_text_counts():
    assert text_width("i", "www") == text_width("www") > text_width("i") > 0


def test_blanks_have_a_width():
    """A cell of a table may be empty."""
    assert 0 < text_width(" ") < text_width("   ") < text_width("wwww")
    assert text_width("") == 0


def test_text_is_broken_at_blanks_into_lines_of_about_a_width():
    text = wrap("within-group total correlation, nats " * 3, 200)
    lines = text.split("\n")
    assert " ".join(lines) == ("within-group total correlation, nats " * 3).strip()
    assert max(map(text_width, lines)) < 230
    assert wrap("ELBO, nats", 200) == "ELBO, nats"


@styled()
def some_figure(label: str, title: str, names: int = 2) -> Figure:
    figure, grid = new_figure([100, 41], [200, 83])
    for i in range(4):
        axes = figure.add_subplot(grid[i // 2, i % 2], ylabel=label, xlabel=label)
        axes.plot([0, 10_000], label="line")
    figure.axes[1].set_title(title)
    handles = figure.axes[0].get_lines() * names
    figure.legend(handles, ["a name"] * names, loc="outside right upper")
    return fit(figure, grid)


@pytest.mark.parametrize("label", ["", "label", "two\nlines of label"])
def test_axes_have_the_requested_sizes_whatever_their_labels(label: str):
    figure = some_figure(label, "title")
    sizes = [tuple(axes.bbox.size) for axes in figure.axes]
    np.testing.assert_allclose(sizes, [(200, 100), (83, 100), (200, 41), (83, 41)])
    corners = np.array([axes.bbox.min for axes in figure.axes])
    np.testing.assert_allclose(corners, corners.round(), atol=1e-6)
    np.testing.assert_allclose(figure.get_size_inches() * DPI % 1, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("title", "names"), [("short", 2), ("a title wider than its axes " * 4, 2), ("short", 40)]
)
def test_the_figure_holds_all_text_and_no_axes_overlap(title: str, names: int):
    figure = some_figure("label", title, names)
    assert figure.dpi == DPI
    width, height = figure.get_size_inches() * DPI
    legends = [each for each in figure.findobj(Legend) if isinstance(each, Legend)]
    boxes = [each.get_tightbbox() for each in (*figure.axes, *legends)]
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    upper = [figure.axes[i].get_tightbbox(for_layout_only=True) for i in range(2)]
    assert all(left.x1 < right.x0 for left, right in pairwise(upper))


def test_the_white_around_a_figure_is_narrow():
    figure = some_figure("label", "short")
    box = figure.get_tightbbox()
    assert box.width * DPI > figure.bbox.width - 40
    assert box.height * DPI > figure.bbox.height - 40


def test_axes_are_shortened_from_below():
    figure = some_figure("", "")
    axes = figure.axes[0]
    before = axes.bbox.frozen()
    shorten(axes, 60)
    np.testing.assert_allclose(axes.bbox.extents, [before.x0, before.y1 - 60, before.x1, before.y1])


def test_the_style_applies_to_figures_alone():
    before = dict(matplotlib.rcParams)
    figure = some_figure("label", "title")
    assert dict(matplotlib.rcParams) == before
    assert figure.axes[0].xaxis.label.get_fontsize() == 9


def test_numbers_stand_at_the_ends_of_their_bars():
    axes = Figure().add_subplot()
    bars = draw_bars(axes, [0, 1], [2.0, 1.0], thickness=0.5)
    assert [bar.get_width() for bar in bars] == [2, 1]
    assert [text.xy for text in axes.texts] == [(2.0, 0), (1.0, 1)]
    assert axes.get_xlim() == (0, 2)


def test_two_quantities_stand_in_columns_and_not_at_the_end_of_a_bar():
    axes = Figure().add_subplot()
    bars = draw_bars(axes, [0, 1], [2.0, 1.0], marks=("I", "rate", [2.5, 0.5]))
    assert [bar.get_width() for bar in bars] == [2, 1]
    assert [text.get_text() for text in axes.texts] == ["2.00", "1.00", "I", "2.50", "0.50", "rate"]
    assert [text.xy[0] for text in axes.texts] == [1] * 6  # of the axes, whatever the bars
    assert axes.get_xlim() == (0, 2.5)


def test_negative_values_point_to_the_left_of_zero():
    axes = Figure().add_subplot()
    (bar,) = draw_bars(axes, [0], [-0.25])
    assert bar.get_width() == -0.25
    assert axes.texts[0].get_text() == "\N{MINUS SIGN}0.25"
    assert axes.texts[0].xy == (0, 0)
    assert axes.get_xlim() == (-0.25, 0.1)


def test_a_bar_whose_number_is_written_as_zero_is_hardly_seen():
    axes = Figure().add_subplot()
    (bar,) = draw_bars(axes, [0], [0.004])
    assert axes.texts[0].get_text() == "0.00"
    assert bar.get_width() < 0.05 * np.diff(axes.get_xlim())[0]
