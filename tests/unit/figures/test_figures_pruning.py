"""The figure of a pruned latent space: its points, and its text, which is not cut off."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from runner.evaluation.pruning import Pruning
from runner.figures.pruning import pruning_figure


def made(count: int, *, stem: str = "z", highest: float = 0.07) -> Pruning:
    left_K = 0.5 ** np.arange(count + 1)
    names = tuple(f"{stem}_{v}" for v in range(count))
    return Pruning(names, 12 * (1 - left_K), 1000 * left_K, highest * left_K[:, None])


def test_each_panel_shows_its_values_at_named_ticks():
    pruned = made(3)
    upper, lower = pruning_figure(pruned).axes
    for axes, values_K in ((upper, pruned.squared_error_K), (lower, pruned.information_K)):
        (line,) = axes.lines
        np.testing.assert_array_equal(line.get_ydata(), values_K)
        assert axes.get_xlim() == (0, 3)
    texts = [label.get_text() for label in lower.get_xticklabels()]
    assert texts == ["none", "+ z_0", "+ z_1", "+ z_2"]
    assert [text.get_text() for text in upper.texts] == ["0.070", "0.035", "0.018", "0.009"]
    assert [text.get_text() for text in lower.texts] == ["0.0", "6.0", "9.0", "10.5"]


@pytest.mark.parametrize(
    "pruned",
    [
        made(1),
        made(10),
        made(32, stem="a_long_name", highest=12.0),
        Pruning(("z_0", "z_1"), np.array([0, -0.2, -0.1]), np.zeros(3), np.zeros((3, 1))),
    ],
    ids=["one", "ten", "many", "nothing"],
)
def test_no_text_is_cut_off_or_overlaps(pruned: Pruning):
    figure = pruning_figure(pruned)
    FigureCanvasAgg(figure).draw()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0
        inside = inside and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert inside, f"{text.get_text()!r} is cut off"
    for (one, box), (other, other_box) in combinations(zip(texts, boxes, strict=True), 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        down = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert min(across, down) < 1, f"{one.get_text()!r} overlaps {other.get_text()!r}"
