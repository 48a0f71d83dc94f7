"""The settings that distinguish the runs of a grid."""

from __future__ import annotations

from runner.config import GROUPS
from runner.grid.folder import GridFolder


def labels_of(grid: GridFolder) -> list[str]:
    """Return for each run the settings that not all runs share: ``beta=4 seed=1``."""
    values: dict[str, set[str]] = {}
    read = [dict(o.split("=", 1) for o in overrides) for overrides in grid.runs]
    for settings in read:
        for key, value in settings.items():
            values.setdefault(key, set()).add(value)
    shared = {key for key, found in values.items() if len(found) == 1}
    shared &= set.intersection(*(set(settings) for settings in read)) if read else set()
    return [
        " ".join(
            f"{key.lstrip('+')}={value}" for key, value in settings.items() if key not in shared
        )
        for settings in read
    ]


def names_of(grid: GridFolder) -> list[str]:
    """Return for each run its label without chosen groups, which its name contains already."""
    return [
        " ".join(part for part in label.split(" ") if part.partition("=")[0] not in GROUPS)
        for label in labels_of(grid)
    ]
