"""The runs that a launcher hands to its workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """Runs of a grid to be trained, by number.

    ``places`` are overrides that say where this happens (device, data_dir, wandb.*): they hold for
    all runs, and change none of their results.
    """

    path: Path
    indices: tuple[int, ...]
    places: tuple[str, ...] = ()
