"""Whether the images of a file are copied to the device, or read from the disk when needed.

Shapes: N images of a split, B images of a minibatch, F factors, C H W image.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runner.dataset.splits import ResidentSplit, Split

_CHUNK_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class MappedSplit:
    """Images that are read from their file when indexed; factors are on the device."""

    images_NCHW: NDArray[np.uint8]
    factors_NF: Tensor

    @property
    def size(self) -> int:
        """N, the number of images."""
        return len(self.images_NCHW)

    def images(self, indices_B: Tensor) -> Tensor:
        """Return images of bytes, (B, C, H, W)."""
        rows_B = indices_B.cpu().numpy()
        order_B = np.argsort(rows_B)  # forward through the file is kinder to the disk
        images_BCHW = np.empty((len(rows_B), *self.images_NCHW.shape[1:]), np.uint8)
        images_BCHW[order_B] = self.images_NCHW[rows_B[order_B]]
        return torch.from_numpy(images_BCHW).to(indices_B.device)

    def factors(self, indices_B: Tensor) -> Tensor:
        """Return the factors of images, (B, F)."""
        return self.factors_NF[indices_B]


def place(
    images_NCHW: NDArray[np.uint8], factors_NF: Tensor, cuts: tuple[int, ...], *, free_bytes: int
) -> list[Split]:
    """Return splits of the images of a file, cut before each index of ``cuts``.

    The images are copied to the device of ``factors_NF`` if they take at most half of its free
    memory, which leaves the other half to training; else they are read when indexed.
    """
    device = factors_NF.device
    edges = [0, *cuts, len(images_NCHW)]
    parts = [slice(start, stop) for start, stop in pairwise(edges)]
    if 2 * images_NCHW.nbytes > free_bytes:
        return [MappedSplit(images_NCHW[part], factors_NF[part]) for part in parts]
    resident_NCHW = _copied(images_NCHW, device)
    return [ResidentSplit(resident_NCHW[part], factors_NF[part]) for part in parts]


def free_memory(device: torch.device) -> int:
    """Return the free bytes of a device; for the CPU the unused memory."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")


def _copied(images_NCHW: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return the images on the device, copied in chunks: the CPU may have less memory."""
    resident_NCHW = torch.empty(images_NCHW.shape, dtype=torch.uint8, device=device)
    step = max(1, _CHUNK_BYTES // max(1, images_NCHW[:1].nbytes))
    for start in range(0, len(images_NCHW), step):
        chunk = np.array(images_NCHW[start : start + step])
        resident_NCHW[start : start + step] = torch.from_numpy(chunk)
    return resident_NCHW
