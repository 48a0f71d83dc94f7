"""The data of one step: images, noise, and the encodings of the memory bank.

Shapes: B images, C H W image, W columns of z, K places of the bank, P parameters of q(z|x) that the
encoder gives, U numbers between 0 and 1, S probes, V dimensions of the code.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """The inputs of one step."""

    images_BCHW: Tensor
    """What is to be reconstructed: bytes, or values from 0 to 1."""
    inputs_BCHW: Tensor
    """What the encoder sees: the images, unless the objective corrupts them."""
    noise_BW: Tensor
    bank_KP: Tensor | None = None
    """Recent encodings that stand beside the minibatch's own in q(z)."""
    is_held_K: Tensor | None = None
    """One where a place of the bank is taken by an image that is not in the minibatch, or zero."""
    uniform_BU: Tensor | None = None
    """Uniform noise of the draws from p(z), where a penalty needs them."""
    probes_SBV: Tensor | None = None
    """Random signs of the estimate of a Jacobian's norm."""
