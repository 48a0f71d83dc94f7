"""Recent encodings, kept beside the minibatch so that q(z) is estimated from more of them.

Shapes: N images, B images of a minibatch, K places, P parameters of q(z|x) that the encoder gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_EMPTY = -1


@dataclass
class MemoryBank:
    """The K most recent encodings and the indices of their images, each image at most once."""

    encodings_KP: Tensor
    images_K: Tensor
    """Index of the image behind each place, or -1."""

    @classmethod
    def empty(cls, places: int, parameters: int, device: torch.device) -> MemoryBank:
        """Return a bank of so many places, with no encoding in it."""
        images_K = torch.full((places,), _EMPTY, dtype=torch.long, device=device)
        return cls(torch.zeros(places, parameters, device=device), images_K)

    def forget(self, images_B: Tensor, of: int) -> None:
        """Drop the encodings of images, out of so many, that are about to be encoded anew.

        So the encodings behind an estimate are always of different images, as its weights assume.
        """
        is_here_N = torch.zeros(of, dtype=torch.bool, device=images_B.device)
        is_here_N.index_fill_(0, images_B, value=True)
        # A place that is empty reads the last image, and stays empty whatever it finds there.
        self.images_K = torch.where(is_here_N[self.images_K], _EMPTY, self.images_K)

    def is_held(self) -> Tensor:
        """Return which places are taken, as ones and zeros, (K,)."""
        return (self.images_K != _EMPTY).to(self.encodings_KP.dtype)

    def remember(self, encodings_BP: Tensor, images_B: Tensor, step: int) -> None:
        """Replace the oldest encodings by those of a step, which tells their places."""
        count = len(images_B)
        places_B = torch.arange(count, device=images_B.device) + step * count
        places_B %= len(self.images_K)
        self.encodings_KP = self.encodings_KP.index_copy(0, places_B, encodings_BP.detach())
        self.images_K = self.images_K.index_copy(0, places_B, images_B)
