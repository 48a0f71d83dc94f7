"""The layout of canvases: from the seed alone, uniform, and without forbidden overlap."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from torch import Tensor

from runner.config import MultiMnistConfig
from runner.dataset.canvas_layout import Layout, draw_layout
from runner.errors import UsageError

SIDES = torch.tensor([[4, 5], [6, 3], [8, 8]])
"""Height and width of the ink of three digits of 8x8 pixels."""

CORNERS = torch.tensor([[2, 1], [1, 4], [0, 0]])
"""Top and left of the ink."""


def settings(**changes: object) -> MultiMnistConfig:
    given: dict[str, object] = {
        "name": "multi_mnist", "hold_out": {}, "correlated": None, "digits": 3, "size": 24,
        "overlap": 0.0, "images": 400, "test_images": 100, "seed": 0,
    }  # fmt: skip
    return MultiMnistConfig(**{**given, **changes})  # pyright: ignore[reportArgumentType]


def digits() -> Tensor:
    """Three digits that are filled rectangles."""
    digits_Dhw = torch.zeros(3, 8, 8, dtype=torch.uint8)
    for digit, (top, left), (height, width) in zip(digits_Dhw, CORNERS, SIDES, strict=True):
        digit[top : top + height, left : left + width] = 9
    return digits_Dhw


def layout(images: int = 400, stream: int = 0, **changes: object) -> Layout:
    return draw_layout(digits(), settings(**changes), images=images, stream=stream)


def masks(drawn: Layout, image: int, side: int) -> list[Tensor]:
    """Return, for each digit of an image, which pixels of the canvas have its ink."""
    found = []
    for digit, x, y in zip(
        drawn.digit_NS[image], drawn.x_NS[image], drawn.y_NS[image], strict=True
    ):
        if digit < len(SIDES):
            canvas = torch.zeros(side, side, dtype=torch.bool)
            canvas[y : y + 8, x : x + 8] = digits()[digit] > 0
            found.append(canvas)
    return found


@pytest.mark.parametrize("overlap", [0.0, 0.3])
def test_digits_overlap_no_further_than_allowed(overlap: float):
    """Their ink is a rectangle each, so the boxes' overlap is that of the ink."""
    drawn, largest = layout(overlap=overlap), 0.0
    for image in range(400):
        for first, second in combinations(masks(drawn, image, 24), 2):
            smaller = min(int(first.sum()), int(second.sum()))
            largest = max(largest, int((first & second).sum()) / smaller)
    assert largest <= overlap
    assert largest >= 0.8 * overlap


def test_counts_digits_and_places_are_uniform():
    """Single digits may be anywhere; each frequency is within five standard deviations."""
    images = 20_000
    drawn = layout(images, digits=1)
    is_there_N = drawn.digit_NS[:, 0] < 3
    columns = [
        (is_there_N.long(), 2),
        *((part[is_there_N, 0], size) for part, size in (
            (drawn.digit_NS, 3), (drawn.x_NS, 17), (drawn.y_NS, 17)
        )),
    ]  # fmt: skip
    for values, size in columns:
        share = torch.bincount(values, minlength=size) / len(values)
        assert len(share) == size
        spread = (1 / size * (1 - 1 / size) / len(values)) ** 0.5
        assert (share - 1 / size).abs().max() < 5 * spread


def test_slots_go_from_left_to_right_and_empty_ones_come_last():
    drawn = layout()
    is_empty_NS = drawn.digit_NS == 3
    assert set(is_empty_NS.sum(1).tolist()) == {0, 1, 2, 3}
    assert (is_empty_NS[:, 1:] >= is_empty_NS[:, :-1]).all()
    both_NS = ~is_empty_NS[:, 1:]
    assert (drawn.x_NS.diff(dim=1)[both_NS] >= 0).all()


def test_an_image_depends_on_seed_split_and_index_alone():
    whole, part, other = layout(400), layout(40), layout(40, stream=1)
    for name in ("digit_NS", "x_NS", "y_NS"):
        assert torch.equal(getattr(whole, name)[:40], getattr(part, name))
    assert not torch.equal(other.digit_NS, part.digit_NS)
    # The same on every machine, so these numbers never change.
    assert part.digit_NS[:4].tolist() == [[2, 3, 3], [3, 3, 3], [1, 3, 3], [1, 2, 0]]
    assert part.x_NS[:4].tolist() == [[14, 0, 0], [0, 0, 0], [8, 0, 0], [3, 6, 14]]
    assert part.y_NS[:4].tolist() == [[11, 0, 0], [0, 0, 0], [14, 0, 0], [16, 9, 13]]


def test_digits_without_ink_have_room_everywhere():
    blank = draw_layout(torch.zeros(2, 8, 8), settings(size=8), images=20, stream=0)
    assert blank.x_NS.max() == blank.y_NS.max() == 0


def test_a_canvas_without_room_is_refused():
    with pytest.raises(UsageError, match=r"dataset.size=9 .* has no room for 3 digits"):
        layout(size=9)
