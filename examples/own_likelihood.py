"""An own likelihood: pixels with heavy tails, which a few wrong ones do not dominate.

vaerun plugins=[examples/own_likelihood.py] dataset=digits likelihood=student_pixels

Shapes: B images, C H W image.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from runner.model import Likelihood
from runner.plugins import add_likelihood


@dataclass
class StudentPixels:
    """``likelihood.KEY``: what can be set."""

    degrees: float = field(
        default=4.0, metadata={"help": "degrees of freedom; fewer: longer tails"}
    )
    scale: float = field(default=0.1, metadata={"help": "scale of a pixel, which runs from 0 to 1"})


class Student(Likelihood):
    """Student's t around means between 0 and 1."""

    def __init__(self, settings: StudentPixels) -> None:
        super().__init__()
        self.settings = settings

    def log_prob(self, output_BKHW: Tensor, images_BCHW: Tensor) -> Tensor:
        """Return log p(x|z) summed over channels and pixels, (B,), in nats."""
        pixels = torch.distributions.StudentT(
            self.settings.degrees, self.mean(output_BKHW), self.settings.scale
        )
        return pixels.log_prob(images_BCHW).flatten(1).sum(1)

    def mean(self, output_BKHW: Tensor) -> Tensor:
        """Return the expected image, (B, C, H, W)."""
        return torch.sigmoid(output_BKHW)


add_likelihood("student_pixels", Student, settings=StudentPixels, help="Pixels of Student's t.")
