"""Counter-based random numbers: functions of an index, the same on every device and at every use.

Shapes: B indices, M numbers for each of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

_WORD = 2**32 - 1
_GOLDEN = 0x9E3779B9
"""2**32 divided by the golden ratio, so that its multiples modulo 2**32 are far apart."""


def random_words(indices_B: Tensor, count: int, *, stream: int) -> Tensor:
    """Return ``count`` numbers for each index, uniform over 0 ... 2**32 - 1, int64, (B, M).

    Number m of index i is a hash of the counter count * i + m; ``stream`` separates the numbers of
    one purpose from those of another. Counters repeat after 2**32.
    """
    place_M = torch.arange(count, device=indices_B.device)
    counter_BM = (indices_B[:, None] * count + place_M) & _WORD
    return _mixed((_mixed(counter_BM) + (stream + 1) * _GOLDEN) & _WORD)


def _mixed(words: Tensor) -> Tensor:
    """Return a hash of words of 32 bits, one to one.

    Both multipliers are below 2**31, so that no product of int64 overflows.

    Source: the multipliers and shifts are those of Wellons's "hash-prospector".
    """
    words = words ^ (words >> 16)
    words = (words * 0x21F0AAAD) & _WORD
    words = words ^ (words >> 15)
    words = (words * 0x735A2D97) & _WORD
    return words ^ (words >> 15)
