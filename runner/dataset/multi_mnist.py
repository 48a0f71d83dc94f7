"""Several MNIST digits on a canvas: drawn on the device when they are asked for, not stored.

Shapes: N images of a split, B images of a minibatch, S slots of digits, D digits that are chosen
from, h w image of a digit, H W canvas.

Source: the multi-MNIST of Eslami et al. 2016, "Attend, Infer, Repeat": digits at random places that
do not overlap, each number of digits equally often. There the canvas has 50x50 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.config import DatasetConfig, MultiMnistConfig
from runner.dataset import mnist
from runner.dataset.canvas_layout import Layout, draw_layout
from runner.dataset.splits import Dataset, Factor, Split

_KINDS = 10
"""Kinds of digits; the value of a slot without a digit comes after them."""


@dataclass(frozen=True, eq=False)
class CanvasSplit:
    """Canvases of one size with digits on them."""

    digits_Dhw: Tensor
    """Bytes; the last one has no ink, and is that of a slot without a digit."""
    layout: Layout
    factors_NF: Tensor
    side: int
    """H and W."""

    @property
    def size(self) -> int:
        """N, the number of images."""
        return len(self.factors_NF)

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images of bytes, (B, 1, H, W); where digits meet, the brighter pixel is seen."""
        height, width = self.digits_Dhw.shape[1:]
        rows_h1 = torch.arange(height, device=indices_B.device)[:, None]
        columns_w = torch.arange(width, device=indices_B.device)
        within_P = (rows_h1 * self.side + columns_w).flatten()
        canvas_BQ = self.digits_Dhw.new_zeros(len(indices_B), self.side**2)
        for slot in range(self.layout.slots):
            digit_B, x_B, y_B = (
                part_NS[indices_B, slot]
                for part_NS in (self.layout.digit_NS, self.layout.x_NS, self.layout.y_NS)
            )
            place_BP = (y_B * self.side + x_B)[:, None] + within_P
            ink_BP = torch.maximum(
                canvas_BQ.gather(1, place_BP), self.digits_Dhw[digit_B].flatten(1)
            )
            canvas_BQ.scatter_(1, place_BP, ink_BP)
        return canvas_BQ.view(-1, 1, self.side, self.side)

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return the count, and the digit, x and y of each slot, (B, 1 + 3 S)."""
        return self.factors_NF[indices_B]


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return canvases with 0 to ``config.digits`` digits, each number equally often.

    Training images have digits of MNIST's training split, test images those of its test split. An
    image depends on ``config.seed``, its split and its index alone, so it is the same on every
    machine. The slots of an image are its digits from left to right. The factors are the count,
    which is the class, and for each slot the digit and the place, x to the right and y downwards,
    of the upper left corner of its 28x28 pixels; each has one further value, the last, for a slot
    without a digit.

    Raises:
        UsageError: there is no room for so many digits.
        DataError: MNIST is missing and cannot be downloaded, or is corrupt.
    """
    if not isinstance(config, MultiMnistConfig):
        raise TypeError("multi_mnist needs its own settings")
    # On the CPU, where the layout is drawn, so that every machine draws the same.
    source = mnist.load(mnist.MNIST, data_dir, torch.device("cpu"))
    train = _split(source.train, config, 0, device)
    test = _split(source.test, config, 1, device)
    places = config.size - source.shape[1] + 1
    slots = [
        Factor(f"{name}_{slot}", values + 1)
        for slot in range(1, config.digits + 1)
        for name, values in (("digit", _KINDS), ("x", places), ("y", places))
    ]
    return Dataset(
        name="multi_mnist",
        train=train,
        test=test,
        has_test_split=True,
        factors=(Factor("count", config.digits + 1), *slots),
        shape=(1, config.size, config.size),
        class_factor="count",
        class_names=tuple(str(count) for count in range(config.digits + 1)),
        is_factor_grid=False,
    )


def _split(source: Split, config: MultiMnistConfig, part: int, device: torch.device) -> CanvasSplit:
    """Return canvases with digits of ``source``; ``part`` is 0 for training, 1 for testing."""
    indices_D = torch.arange(source.size)
    digits_Dhw = source.images(indices_D)[:, 0]
    layout = draw_layout(
        digits_Dhw,
        config,
        images=(config.images, config.test_images)[part],
        stream=2 * config.seed + part,
    )
    no_ink_1hw = torch.zeros_like(digits_Dhw[:1])
    places = config.size - digits_Dhw.shape[1] + 1
    factors_NF = _factors(layout, source.factors(indices_D)[:, 0], places)
    return CanvasSplit(
        digits_Dhw=torch.cat([digits_Dhw, no_ink_1hw]).to(device),
        layout=layout.to(device),
        factors_NF=factors_NF.to(device),
        side=config.size,
    )


def _factors(layout: Layout, kind_D: Tensor, places: int) -> Tensor:
    """Return the count, and the digit, x and y of each slot, (N, 1 + 3 S)."""
    is_empty_NS = layout.digit_NS == len(kind_D)
    kind_NS = torch.cat([kind_D, torch.tensor([_KINDS])])[layout.digit_NS]
    x_NS, y_NS = (part.masked_fill(is_empty_NS, places) for part in (layout.x_NS, layout.y_NS))
    slots_NF = torch.stack([kind_NS, x_NS, y_NS], dim=2).flatten(1)
    count_N1 = layout.slots - is_empty_NS.sum(1, keepdim=True)
    return torch.cat([count_N1, slots_NF], dim=1)
