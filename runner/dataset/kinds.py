"""What kind of examples a dataset has, and what becomes of a stored example before it is used.

The dataset owns this transform, and the two places that hand examples to a model apply it: the
training loop, and the representation that evaluation sees. So a model takes floating-point values
only, and nothing else has to know how examples are stored. (A model could not look the transform
up by itself: ``model`` and ``dataset`` are siblings, which do not import each other.)

Shapes: B examples, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from runner.config import CHOICES, LikelihoodConfig

_OF_COUNTS = "multinomial"


@dataclass(frozen=True)
class Kind:
    """A kind of examples."""

    name: str
    """Plural."""
    examples: str
    """What messages and figures call the examples, plural."""
    to_input: Callable[[Tensor], Tensor]
    """From stored examples to what the encoder and the likelihood see, floating point.

    Shapes: (B, C, H, W) to the same.
    """
    admits: Callable[[LikelihoodConfig], bool]
    """Whether a likelihood is a distribution over such examples."""
    remedy: str
    """Settings that fit, for whoever chose a likelihood that does not."""
    is_unit: bool
    """Whether values run from 0 to 1, so that noise may be added and clamped to that."""
    values: str
    """What the values that a model sees are, for whoever uses it elsewhere."""
    draw: Callable[[Sequence[int], Generator], Tensor]
    """Random values of a shape that an example may have, as a model sees them."""


def _bytes_to_unit(images_BCHW: Tensor) -> Tensor:
    return images_BCHW.float() / 255


def _unchanged(points_BCHW: Tensor) -> Tensor:
    return points_BCHW


def _as_floats(counts_BCHW: Tensor) -> Tensor:
    return counts_BCHW.float()


def _has_linear_mean(likelihood: LikelihoodConfig) -> bool:
    return getattr(likelihood, "mean", None) == "linear"


def _is_of_counts(likelihood: LikelihoodConfig) -> bool:
    """Return whether counts have the distribution; of an own one nothing is known."""
    return likelihood.name == _OF_COUNTS or likelihood.name not in CHOICES["likelihood"]


def _is_of_pixels(likelihood: LikelihoodConfig) -> bool:
    return likelihood.name != _OF_COUNTS


IMAGES = Kind(
    name="images",
    examples="images",
    to_input=_bytes_to_unit,
    admits=_is_of_pixels,
    remedy="likelihood=bernoulli, or another one of pixels",
    is_unit=True,
    values="channels first; bytes are divided by 255",
    draw=lambda shape, source: torch.rand(*shape, generator=source),
)
"""Pixels stored as bytes, seen as values from 0 to 1."""

POINTS = Kind(
    name="points",
    examples="points",
    to_input=_unchanged,
    admits=_has_linear_mean,
    remedy="likelihood=gaussian likelihood.mean=linear, or experiment=pinwheel",
    is_unit=False,
    values="points as they are",
    draw=lambda shape, source: torch.randn(*shape, generator=source),
)
"""Points in the plane as images of one row of two pixels, whose values are any real numbers."""

COUNTS = Kind(
    name="counts",
    examples="documents",
    to_input=_as_floats,
    admits=_is_of_counts,
    remedy="likelihood=multinomial",
    is_unit=False,
    values="counts as they are",
    draw=lambda shape, source: torch.randint(4, tuple(shape), generator=source).float(),
)
"""Documents as images of one row with a pixel per word of a vocabulary: how often it occurs."""

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (IMAGES, POINTS, COUNTS)}
"""Name → the kind, by which a model's kind is known without its dataset."""
