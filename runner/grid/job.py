"""The runs that a launcher gives to its workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """Runs of a grid to be trained, by number.

    ``places`` are overrides that say where the runs are trained and logged (device, data_dir,
    wandb.*, tracking.*). They apply to all runs, and change no result.
    """

    path: Path
    indices: tuple[int, ...]
    places: tuple[str, ...] = ()
    pack: int = 1
    """The most runs that a worker trains together."""
