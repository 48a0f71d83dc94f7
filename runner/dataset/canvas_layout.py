"""Which digits lie where on each canvas: functions of a seed and of the image's index alone.

Shapes: N images, R some of them, Q those whose places are still to be drawn, S slots of digits, D
digits that are chosen from, h w image of a digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from runner.config import MultiMnistConfig
from runner.dataset.hash_noise import random_words
from runner.errors import UsageError

_ATTEMPTS = 4000
"""Draws of an image's places, at most."""

_DRAWS_PER_IMAGE = 40
"""Draws of places per image, on average, at most: there is hardly room where more are needed."""

_FIRST = 1000
"""Images whose places are drawn before those of all others."""

_STREAMS = 8192
"""Streams of random numbers of one seed and split: the digits, and the places of each attempt."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The digits of each image, from left to right, and behind them the slots without one."""

    digit_NS: Tensor
    """The index of a digit; D for a slot without one."""
    x_NS: Tensor
    y_NS: Tensor
    """Pixels from the left and from the top of the canvas to a digit's image."""

    @property
    def slots(self) -> int:
        """S, the number of slots of an image."""
        return self.digit_NS.shape[1]

    def to(self, device: torch.device) -> Layout:
        """Return the layout on a device."""
        return Layout(*(part.to(device) for part in (self.digit_NS, self.x_NS, self.y_NS)))


def draw_layout(
    digits_Dhw: Tensor, config: MultiMnistConfig, *, images: int, stream: int
) -> Layout:
    """Return how many digits each image has, which, and where.

    0 to S digits are equally likely, and so are all digits, and all places at which no two digits
    of an image overlap by more than ``config.overlap``: the area that the boxes around their ink
    share, as a share of the smaller box.

    Args:
        digits_Dhw: the digits, bytes, on the CPU, so that every machine draws the same.
        config: S, the size of the canvas and the overlap.
        images: N, the number of images.
        stream: separates the numbers of one seed and split from those of another.

    Raises: UsageError when there is no room for so many digits.
    """
    slots, first_stream = config.digits, _STREAMS * stream
    words_NM = random_words(torch.arange(images), 1 + slots, stream=first_stream)
    count_N1 = _below(slots + 1, words_NM[:, :1])
    is_empty_NS = torch.arange(slots) >= count_N1
    digit_NS = _below(len(digits_Dhw), words_NM[:, 1:]).masked_fill(is_empty_NS, len(digits_Dhw))
    boxes_D4 = torch.cat([_ink_boxes(digits_Dhw), torch.zeros(1, 4, dtype=torch.int64)])
    edges_2 = torch.tensor(digits_Dhw.shape[1:]).flip(0)
    places = _Places(config.size - edges_2 + 1, config.overlap, first_stream + 1)
    corners: list[Tensor] = []
    # The first images tell whether there is room, in a fraction of the time.
    for part_R in torch.arange(images).tensor_split([_FIRST]):
        corner_RS2 = places.draw(part_R, boxes_D4[digit_NS[part_R]])
        if corner_RS2 is None:
            canvas = f"dataset.size={config.size} with dataset.overlap={config.overlap:g}"
            hint = "a larger canvas, fewer digits or more overlap"
            raise UsageError(f"{canvas} has no room for {slots} digits", hint)
        corners.append(corner_RS2)
    return _from_left_to_right(digit_NS, torch.cat(corners), is_empty_NS)


@dataclass(frozen=True, eq=False)
class _Places:
    """How the places of digits are drawn."""

    values_2: Tensor
    """The number of values of x, and of y."""
    overlap: float
    """How far two digits may overlap."""
    stream: int
    """The first stream of random numbers."""

    def draw(self, images_R: Tensor, boxes_RS4: Tensor) -> Tensor | None:
        """Return x and y of digits with these boxes of ink, (R, S, 2); None if there is no room.

        The places of an image are drawn anew until no two digits overlap too far.
        """
        slots = boxes_RS4.shape[1]
        corner_RS2 = torch.zeros(len(images_R), slots, 2, dtype=torch.int64)
        left_Q, drawn = torch.arange(len(images_R)), 0
        for attempt in range(_ATTEMPTS):
            drawn += len(left_Q)
            if not len(left_Q) or drawn > _DRAWS_PER_IMAGE * len(images_R) + _ATTEMPTS:
                break
            words_QM = random_words(images_R[left_Q], 2 * slots, stream=self.stream + attempt)
            corner_QS2 = _below(self.values_2, words_QM.view(-1, slots, 2))
            corner_RS2[left_Q] = corner_QS2
            left_Q = left_Q[_overlaps(boxes_RS4[left_Q], corner_QS2) > self.overlap]
        return None if len(left_Q) else corner_RS2


def _below(limit: int | Tensor, words: Tensor) -> Tensor:
    """Return integers, uniform over 0 ... limit - 1, from words of 32 bits."""
    return (words * limit) >> 32


def _ink_boxes(digits_Dhw: Tensor) -> Tensor:
    """Return left, top, right and bottom of the ink of each digit, int64, (D, 4).

    Right and bottom are one beyond the last pixel with ink; without ink all are 0.
    """
    starts: list[Tensor] = []
    ends: list[Tensor] = []
    for axis in (1, 2):  # the columns, and the rows
        has_ink_DK = (digits_Dhw > 0).any(axis).to(torch.int64)
        last_D = has_ink_DK.shape[1] - has_ink_DK.flip(1).argmax(1)
        starts.append(has_ink_DK.argmax(1))
        ends.append(last_D.where(has_ink_DK.any(1), torch.zeros_like(last_D)))
    return torch.stack([*starts, *ends], dim=1)


def _overlaps(boxes_RS4: Tensor, corner_RS2: Tensor) -> Tensor:
    """Return the largest overlap of two digits of each image, float64, (R,)."""
    placed_RS4 = boxes_RS4 + corner_RS2.repeat(1, 1, 2)
    areas_RS = (boxes_RS4[..., 2:] - boxes_RS4[..., :2]).prod(-1)
    largest_R = torch.zeros(len(corner_RS2), dtype=torch.float64)
    for a, b in combinations(range(corner_RS2.shape[1]), 2):
        first_R4, second_R4 = placed_RS4[:, a], placed_RS4[:, b]
        start_R2 = torch.maximum(first_R4[:, :2], second_R4[:, :2])
        end_R2 = torch.minimum(first_R4[:, 2:], second_R4[:, 2:])
        shared_R = (end_R2 - start_R2).clamp(min=0).prod(-1)
        smaller_R = torch.minimum(areas_RS[:, a], areas_RS[:, b]).clamp(min=1)
        largest_R = torch.maximum(largest_R, shared_R.double() / smaller_R)
    return largest_R


def _from_left_to_right(digit_NS: Tensor, corner_NS2: Tensor, is_empty_NS: Tensor) -> Layout:
    """Return a layout in which the slots with a digit are sorted by x, then by y."""
    x_NS, y_NS = corner_NS2.masked_fill(is_empty_NS[..., None], 0).unbind(-1)
    key_NS = ((x_NS << 20) + y_NS).masked_fill(is_empty_NS, 1 << 40)
    order_NS = key_NS.argsort(dim=1, stable=True)
    return Layout(*(part_NS.gather(1, order_NS) for part_NS in (digit_NS, x_NS, y_NS)))
