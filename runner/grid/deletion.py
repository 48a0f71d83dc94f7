"""Deleting a whole grid, or a run of one: the numbers of the other runs stay as they are.

``grid.json`` lists the runs by number, and a run whose folder is gone is one that has not begun. So
a run can be deleted alone; the grid's next launch trains it anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runner.errors import DataError, UsageError
from runner.grid.folder import GridFolder, is_grid
from runner.store.deletion import OF_GRID, OF_RUN, Target, is_run, refuse_places
from runner.store.lock import LockedError, is_locked
from runner.store.removal import look


def grid_targets(path: Path) -> list[Target]:
    """Return the runs of a grid, and then the grid itself, in the order in which they are deleted.

    Raises: UsageError where there is no grid, or the path is a link; LockedError where a process
        works in it or in one of its runs; DataError where ``grid.json`` is corrupt.
    """
    refuse_places(path)
    if (path / "grid.json").is_symlink():
        raise UsageError(f"'{path / 'grid.json'}' is a link", "links are not followed")
    grid = GridFolder.open(path)
    folders = [grid.run_path(number) for number in range(len(grid.runs))]
    started = [each for each in folders if each.is_dir() and not each.is_symlink()]
    for folder in (path, *started):
        if is_locked(folder):
            raise LockedError(folder)
    runs = [Target(each, "run", OF_RUN, look(each, OF_RUN)) for each in started]
    links = tuple(each.name for each in folders if each.is_symlink())
    own = replace(OF_GRID, files=(*OF_GRID.files, *links))
    found, names = look(path, own), {f"{each.path.name}/" for each in runs}
    found.left = [name for name in found.left if name not in names]  # the runs say it themselves
    return [*runs, Target(path, "grid", own, found)]


def grid_of(path: Path) -> tuple[GridFolder, int] | None:
    """Return the grid that a run belongs to, and its number there, or None."""
    parent = path.resolve().parent
    if not path.name.isdecimal() or not is_grid(parent) or not is_run(path):
        return None
    try:
        grid = GridFolder.open(parent)
    except (DataError, UsageError):
        return None
    number = int(path.name)
    return (grid, number) if number < len(grid.runs) and path.name == str(number) else None
