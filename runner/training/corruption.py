"""Corrupted images for a denoising autoencoder, which still decodes the clean ones.

Shapes: B images, C H W image. Each value (a channel of a pixel) is corrupted independently.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def corrupt(images_BCHW: Tensor, kind: str, amount: float | Tensor, uniform_BCHW: Tensor) -> Tensor:
    """Return corrupted images in [0, 1]; an amount of 0 leaves them as they are.

    'masking' sets a value to 0 with probability ``amount``; 'salt_and_pepper' sets it, with
    probability ``amount``, to 0 or to 1 with equal chance; 'gaussian' adds normal noise of standard
    deviation ``amount`` and clamps to [0, 1].

    Shapes: (B, C, H, W), uint8 or floats in [0, 1], and uniform noise in [0, 1) of the same shape;
        returns the dtype of the noise.
    Raises: KeyError for an unknown kind.
    Source: Vincent et al. 2008 for masking; Vincent et al. 2010 for the other two.
    """
    unit_BCHW = images_BCHW.to(uniform_BCHW.dtype)
    if images_BCHW.dtype == torch.uint8:
        unit_BCHW = unit_BCHW / 255
    return CORRUPTIONS[kind](unit_BCHW, amount, uniform_BCHW)


def _masking(unit: Tensor, amount: float | Tensor, uniform: Tensor) -> Tensor:
    return torch.where(uniform < amount, 0.0, unit)


def _gaussian(unit: Tensor, amount: float | Tensor, uniform: Tensor) -> Tensor:
    # A uniform number may be exactly 0, whose normal is infinite: once in 2^24 float32 draws.
    inside = uniform.clamp(torch.finfo(uniform.dtype).tiny, 1 - torch.finfo(uniform.dtype).eps)
    return (unit + amount * torch.special.ndtri(inside)).clamp(0, 1)


def _salt_and_pepper(unit: Tensor, amount: float | Tensor, uniform: Tensor) -> Tensor:
    # Given that the number is below the amount, it is below half of it with chance one half.
    extreme = (uniform >= amount / 2).to(unit.dtype)
    return torch.where(uniform < amount, extreme, unit)


CORRUPTIONS: dict[str, Callable[[Tensor, float | Tensor, Tensor], Tensor]] = {
    "masking": _masking,
    "gaussian": _gaussian,
    "salt_and_pepper": _salt_and_pepper,
}
"""Name → function of images in [0, 1], amount and uniform noise."""
