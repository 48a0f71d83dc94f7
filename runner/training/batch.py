"""The inputs of one step: images, labels, noise, and the encodings of the memory bank.

Shapes: B images, L labelled images, C H W image, W columns of z, K places of the bank, P parameters
of q(z|x) that the encoder gives, U uniform numbers between 0 and 1, S probes, V dimensions of the
code.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """The inputs of one step."""

    images_BCHW: Tensor
    """What is to be reconstructed, as the likelihood sees it."""
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
    labels_B: Tensor | None = None
    """Class of each image, int64, where a penalty reads it."""
    is_labelled_B: Tensor | None = None
    """Whether the class of each image is known, beside ``labels_B``."""
    labelled_images_LCHW: Tensor | None = None
    """Another minibatch, of images whose class is known, as the likelihood and the encoder see
    them, where a penalty reads it."""
    classes_L: Tensor | None = None
    """The class of each of them, int64; negative for one that is not known and does not count."""
    labelled_noise_LW: Tensor | None = None
    dropout_BU: Tensor | None = None
    """Uniform noise of the networks' dropout, the encoder's columns first, where they have it."""
