"""The settings that distinguish the runs of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from runner.config import GROUPS
from runner.grid.folder import GridFolder


class LiveLabels(Sequence[str]):
    """The labels of a grid's runs, of which a search adds further ones while they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = labels_of(GridFolder.open(path))

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, int) and index >= len(self._known):
            self._known = labels_of(GridFolder.open(self._path))
        return self._known[index]


def labels_of(grid: GridFolder) -> list[str]:
    """Return for each run the settings that not all runs share: ``beta=4 seed=1``.

    Of a search, they are those that are searched.
    """
    if grid.search is not None:
        searched = {each.name for each in grid.search.searched}
        return [
            " ".join(setting for setting in run if setting.partition("=")[0] in searched)
            for run in grid.runs
        ]
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
