"""Where a run is, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A run folder, the device of its model, and whether what it asks for is followed."""

    path: Path
    device: str
    trusted: bool
