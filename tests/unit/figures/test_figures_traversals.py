from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from runner.evaluation.traversal_rows import Traversal, TraversalRow
from runner.figures.animation import traversal_frames
from runner.figures.traversals import traversals, traversals_of_runs

POSITIONS = np.linspace(-2.5, 2.5, 11).tolist()


def ramp(steps: int, side: int = 8, channels: int = 1) -> np.ndarray:
    """Return images whose brightness is the step."""
    levels_T = np.linspace(0, 1, steps, dtype=np.float32)
    return np.broadcast_to(levels_T[:, None, None, None], (steps, channels, side, side)).copy()


def normal_rows(count: int, steps: int = 11, side: int = 8) -> list[TraversalRow]:
    return [TraversalRow(f"z_{v}", 3.0 - v, ramp(steps, side)) for v in range(count)]


def category_rows(steps: int = 11) -> list[TraversalRow]:
    """Return four categories with different brightness."""
    return [
        TraversalRow(f"category = {k}", 1.5 if k == 0 else None, np.full((steps, 1, 8, 8), k / 4))
        for k in range(4)
    ]


def ticks(labels) -> list[str]:
    return [label.get_text() for label in labels]


def bars(figure: Figure) -> list[float]:
    return [bar.get_width() for bar in figure.axes[1].patches]


def test_the_rows_are_drawn_in_order_with_their_names_and_positions():
    figure = traversals(normal_rows(3), POSITIONS)
    axes = figure.axes[0]
    assert ticks(axes.get_yticklabels()) == ["z_0", "z_1", "z_2"]
    assert "prior standard deviations" in axes.get_xlabel()
    assert ticks(axes.get_xticklabels())[::5] == ["\N{MINUS SIGN}2.5", "0", "2.5"]
    drawn = np.asarray(axes.images[0].get_array())
    for y in axes.get_yticks():
        shades = [drawn[round(y), round(x), 0] for x in axes.get_xticks()]
        np.testing.assert_allclose(shades, np.linspace(0, 1, 11), atol=1e-6)


def test_information_stands_beside_its_row_in_nats():
    figure = traversals(normal_rows(3), POSITIONS)
    images, information = figure.axes
    assert bars(figure) == [3, 2, 1]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in information.patches]
    np.testing.assert_allclose(middles, images.get_yticks())
    assert information.get_ylim() == images.get_ylim()
    assert ticks(information.texts) == ["3.00", "2.00", "1.00"]
    assert "nats" in information.get_title(loc="left")
    np.testing.assert_allclose(information.get_position().y0, images.get_position().y0)
    np.testing.assert_allclose(information.get_position().y1, images.get_position().y1)


def test_a_concrete_variable_has_one_bar_and_a_note():
    rows = [*normal_rows(1), *category_rows(), *normal_rows(1)]
    figure = traversals(rows, POSITIONS)
    assert bars(figure) == [1.5, 3, 3]  # first what does not take the values below
    names = ticks(figure.axes[0].get_yticklabels())
    assert ["=" in name for name in names] == sorted(("=" in name for name in names), reverse=True)
    assert "category" in figure.axes[0].get_xlabel()
    assert "category" not in traversals(normal_rows(2), POSITIONS).axes[0].get_xlabel()
    pitch = np.diff(figure.axes[0].get_yticks())
    assert max(pitch[:3]) == pitch[4] < pitch[3]  # its rows are close together


def test_values_stand_only_below_variables_that_take_them():
    figure = traversals(category_rows(), POSITIONS)
    assert ticks(figure.axes[0].get_xticklabels()) == []
    assert "value of the variable" not in figure.axes[0].get_xlabel()


@pytest.mark.parametrize(("steps", "side"), [(2, 8), (5, 64), (40, 28)])
def test_positions_are_named_as_far_as_there_is_room(steps: int, side: int):
    positions = np.linspace(-3, 3, steps).tolist()
    axes = traversals(normal_rows(2, steps, side), positions).axes[0]
    assert 1 <= len(axes.get_xticks()) <= steps
    assert len(axes.get_xticks()) == steps or steps == 40


def test_a_single_variable_without_information_is_drawn():
    figure = traversals([TraversalRow("z", 0.0, ramp(11))], POSITIONS)
    assert ticks(figure.axes[1].texts) == ["0.00"]
    assert figure.axes[1].get_xlim() == (0, 0.1)


def test_of_several_models_some_may_have_no_information():
    """Codes of any numbers have none, and stand beside others that have."""
    without = [TraversalRow(row.label, None, row.images_TCHW) for row in normal_rows(3)]
    original = np.zeros((1, 8, 8), dtype=np.float32)
    models = [
        Traversal(name, original, rows, POSITIONS, "standard deviations")
        for name, rows in [("gan", without), ("vae", normal_rows(3))]
    ]
    figure = traversals_of_runs(models)
    _, _, of_gan, _, of_vae = figure.axes
    assert not of_gan.axison
    assert not of_gan.patches
    assert [bar.get_width() for bar in of_vae.patches] == [3, 2, 1]


def test_frames_play_forwards_and_backwards():
    frames = traversal_frames(normal_rows(5, steps=6))
    assert frames.dtype == np.uint8
    assert frames.shape[0] == 10
    assert frames.shape[-1] == 3
    np.testing.assert_array_equal(frames[1:], frames[:0:-1])  # symmetric, except for the two ends
    assert len({frame.tobytes() for frame in frames}) == 6
    pitch_y, pitch_x = frames.shape[1] // 2, frames.shape[2] // 3
    for v in range(5):
        middle = (v // 3 * pitch_y + pitch_y // 2, v % 3 * pitch_x + pitch_x // 2)
        assert frames[:6, *middle, 0].tolist() == [0, 51, 102, 153, 204, 255]


def test_frames_name_the_variables_on_white():
    frames = traversal_frames(normal_rows(1, steps=2))
    assert len(frames) == 2
    above = frames[:, :20]
    assert (above[0] == above[1]).all()
    assert above.min() < 80
    assert (frames[:, 0] == 255).all()


def test_a_concrete_variable_steps_through_its_categories():
    frames = traversal_frames(category_rows(steps=4))
    middle = frames[:, frames.shape[1] // 2, frames.shape[2] // 2, 0]
    assert middle.tolist() == [0, 64, 128, 191, 128, 64]


@pytest.mark.parametrize(("side", "channels"), [(8, 3), (28, 1), (64, 3)])
def test_images_of_all_kinds_become_frames(side: int, channels: int):
    rows = [TraversalRow(f"a rather long name {i}", 1.0, ramp(3, side, channels)) for i in range(7)]
    frames = traversal_frames(rows)
    assert frames.shape[0] == 4
    assert 3 * 96 <= frames.shape[2] <= 3 * 180


def test_variables_without_information_have_no_bars_and_move_each_by_itself():
    rows = [TraversalRow(f"z_{i}", None, ramp(3, 8, 1)) for i in range(4)]
    figure = traversals(rows, [-1, 0, 1], "code standard deviations")
    assert len(figure.axes) == 1
    assert figure.axes[0].get_xlabel() == "value of the variable, code standard deviations"
    assert traversal_frames(rows)[0].size > 3 * traversal_frames(rows[:1])[0].size


def test_a_single_step_is_a_single_frame():
    assert len(traversal_frames(normal_rows(2, steps=1))) == 1
