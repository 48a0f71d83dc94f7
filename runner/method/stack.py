"""Layers of which each has the units of the one beneath it as its input; the top one is the code.

Shapes: B images of a minibatch, I units of a layer, W units of the code, C H W image.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from torch import Tensor

from runner.method.code_method import CodeModule, Shape
from runner.method.code_representation import plain_columns


class Stack(CodeModule):
    """A model of codes in layers, none of whose units is a discrete variable."""

    def __init__(self, shape: Shape, sizes: list[int]) -> None:
        """Take the shape of an image, and the units of the image and of every layer above it."""
        super().__init__()
        self.shape, self.sizes = shape, sizes

    @property
    def depth(self) -> int:
        """The layers above the image."""
        return len(self.sizes) - 1

    @property
    def columns(self) -> Mapping[str, slice]:
        """One for each unit of the code."""
        return plain_columns(self.sizes[-1])

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """None: no variable is discrete."""
        return {}

    @abstractmethod
    def code(self, layer: int, below_BI: Tensor) -> Tensor:
        """Return the units of a layer, (B, I), for those beneath it."""

    def up(self, images_BCHW: Tensor, count: int) -> Tensor:
        """Return the units of images after so many layers, (B, I)."""
        code_BI = images_BCHW.flatten(1)
        for layer in range(count):
            code_BI = self.code(layer, code_BI)
        return code_BI

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the codes of images, (B, W)."""
        return self.up(images_BCHW, self.depth)
