"""How many runs a worker takes at once, to train together."""

from __future__ import annotations

from runner.grid.folder import GridFolder, is_grid
from runner.grid.job import Job

ON_A_GPU = 16
"""A run of small networks alone leaves most of a GPU idle. A CPU is busy with one."""


def pack_size(asked: int | None, job: Job, workers: int, *, on_gpu: bool) -> int:
    """Return the most runs of a job that train together, so that every worker has a share.

    ``asked`` is ``launcher.pack``; with None it depends on the device. The runs of a search
    train alone unless it is asked for: each is chosen by what the others before it have found.
    """
    if asked is None:
        is_search = is_grid(job.path) and GridFolder.open(job.path).search is not None
        asked = ON_A_GPU if on_gpu and not is_search else 1
    return max(1, min(asked, -(-len(job.indices) // workers)))
