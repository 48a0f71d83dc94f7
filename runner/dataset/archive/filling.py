"""Images copied chunk by chunk into the array of a whole dataset.

Shapes: N images, B images of a chunk, C H W image.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from runner.dataset.archive.source import Advance


def fill(
    images_NCHW: NDArray[np.uint8],
    chunks: Iterable[NDArray[np.uint8]],
    advance: Advance,
    places_N: NDArray[np.int64] | None = None,
) -> None:
    """Write chunks of images, (B, C, H, W) each, one after the other, and tell ``advance``.

    ``places_N`` holds the place of every image; without it images come in order from the first.
    """
    start = 0
    for chunk_BCHW in chunks:
        stop = start + len(chunk_BCHW)
        where = slice(start, stop) if places_N is None else places_N[start:stop]
        images_NCHW[where] = chunk_BCHW
        advance(stop - start)
        start = stop
