"""By which settings the runs of a grid are told apart."""

from __future__ import annotations

from runner.config import GROUPS
from runner.grid.folder import GridFolder


def labels_of(grid: GridFolder) -> list[str]:
    """Return for each run the settings that not all runs share, as words."""
    values: dict[str, set[str]] = {}
    read = [dict(word.split("=", 1) for word in words) for words in grid.runs]
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
    """Return for each run what its own name lacks: the numbers of its label, not the choices."""
    return [
        " ".join(word for word in label.split(" ") if word.partition("=")[0] not in GROUPS)
        for label in labels_of(grid)
    ]
