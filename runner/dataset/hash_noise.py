"""Random numbers that are functions of a counter: the same on every device, at every visit.

Shapes: B images asked for, M numbers for each of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

_WORD = 2**32 - 1
_GOLDEN = 0x9E3779B9
"""2**32 divided by the golden ratio: its multiples lie far from one another."""


def random_words(indices_B: Tensor, count: int, *, stream: int) -> Tensor:
    """Return ``count`` numbers for each index, uniform over 0 ... 2**32 - 1, int64, (B, M).

    Number m of index i is a mixture of the bits of the counter count * i + m; ``stream`` tells
    numbers for one purpose from those for another. Counters beyond 2**32 repeat the first.
    """
    place_M = torch.arange(count, device=indices_B.device)
    counter_BM = (indices_B[:, None] * count + place_M) & _WORD
    return _mixed((_mixed(counter_BM) + (stream + 1) * _GOLDEN) & _WORD)


def _mixed(words: Tensor) -> Tensor:
    """Return words of 32 bits in one-to-one correspondence with ``words``, and nothing like them.

    Both multipliers are below 2**31, so that no product of int64 overflows.

    Source: the multipliers and shifts are those of Wellons's "hash-prospector".
    """
    words = words ^ (words >> 16)
    words = (words * 0x21F0AAAD) & _WORD
    words = words ^ (words >> 15)
    words = (words * 0x735A2D97) & _WORD
    return words ^ (words >> 15)
