"""The folder of a grid: ``grid.json`` lists the runs; each run's folder has its own status.

A run is identified by its settings and its folder by its number, so the runs
of a grid are found again when it is restarted or when its sweep file has more runs. Nothing is
written for a run before it starts, so a grid of thousands of runs starts at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec

from runner.errors import DataError, UsageError
from runner.grid.run_settings import differences, in_words, key_of
from runner.grid.space import Search
from runner.grid.sweep_file import identity
from runner.store.confined import confined, make_folder
from runner.store.json_file import read_json, write_json
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder, refuse_links
from runner.store.run_schemas import Status
from runner.store.signature import is_own, sign

WAITING = "waiting"
"""The state of a run that no process has started."""

SETTLED = ("finished", "failed", "diverged", "pruned")
"""States in which no worker trains a run."""

_SECONDS_TO_REGISTER = 60.0

_ANOTHER = "sweep_name=… names another folder"


class _Content(msgspec.Struct):
    """``grid.json``: the overrides of every run, by number; of a search, what it is."""

    runs: list[list[Annotated[str, msgspec.Meta(pattern="=")]]]
    name: str | None = None
    search: Search | None = None
    moved: list[list[str | int | float]] = []


@dataclass(frozen=True)
class RunState:
    """The status of a run of a grid: ``state`` is that of its ``status.json``, or "waiting"."""

    state: str
    error: str | None = None
    step: int = 0
    steps: int | None = None
    seconds: float | None = None

    @property
    def settled(self) -> bool:
        """Whether it has ended, with or without an error."""
        return self.state in SETTLED

    @property
    def pending(self) -> bool:
        """Whether a launch trains it: not if it diverged or was pruned, as it would be again."""
        return self.state not in ("finished", "diverged", "pruned")


@dataclass(frozen=True)
class GridFolder:
    """A grid of runs; ``runs`` holds the overrides of each, by number.

    Those of a search are added as it goes on.
    """

    path: Path
    name: str | None
    runs: tuple[tuple[str, ...], ...]
    search: Search | None = None
    moved: tuple[tuple[str | int | float, ...], ...] = ()
    """Of a search: where each run has the variables of its parameters."""

    @classmethod
    def open(cls, path: Path) -> GridFolder:
        """Return the grid of a folder.

        Raises: UsageError when there is none; DataError when ``grid.json`` is corrupt.
        """
        content = read_json(path / "grid.json", _Content)
        if not content:
            raise UsageError(f"'{path}' is not the folder of a grid (it has no grid.json)")
        runs: list[list[str]] = content["runs"]
        found = content.get("search")
        search = msgspec.convert(found, Search) if found else None
        moved = tuple(tuple(values) for values in content.get("moved", ()))
        expected = [len(search.searched)] * len(runs) if search else []
        if [len(values) for values in moved] != expected:
            raise DataError(f"'{path / 'grid.json'}' is corrupt: runs and moved do not match")
        return cls(path, content.get("name"), tuple(map(tuple, runs)), search, moved)

    @classmethod
    def numbered(
        cls, path: Path, name: str | None, runs: Sequence[tuple[str, ...]]
    ) -> tuple[GridFolder, list[int]]:
        """Return the grid with these runs added, not yet written, and the number of each.

        Runs that the folder has already keep their numbers; the others are numbered after them.

        Of a grid that is not known as this user's, the words alone are compared: composing them
        would look up what they refer to on this machine.

        Raises: UsageError when the folder holds a grid that shares no run with this one.
        """
        there = cls.open(path) if is_grid(path) else cls(path, None, ())
        if there.search is not None:
            raise UsageError(f"'{path}' holds a search, not a grid", _ANOTHER)
        known = there.runs
        own = is_own(path / "grid.json")
        every, indices = list(known), list[int]()
        for overrides, number in zip(runs, _numbers_of(runs, known, composed=own), strict=True):
            if number == len(every):
                every.append(overrides)
            indices.append(number)
        if known and len(every) == len(known) + len(set(indices)):
            found = in_words(differences(known, runs)) if own else "it is not known as yours"
            message = f"'{path}' holds a grid with other settings: {found}"
            raise UsageError(message, _ANOTHER)
        return cls(path, name, tuple(every)), list(dict.fromkeys(indices))

    @classmethod
    def register(
        cls, path: Path, name: str | None, runs: Sequence[tuple[str, ...]]
    ) -> tuple[GridFolder, list[int]]:
        """Write what :meth:`numbered` returns, under a lock.

        Raises: UsageError as :meth:`numbered`, or when the folder cannot be written to.
        """
        RunFolder.create(path)
        with lock(path, seconds=_SECONDS_TO_REGISTER):
            grid, indices = cls.numbered(path, name, runs)
            if not is_grid(path) or len(grid.runs) > len(cls.open(path).runs):
                grid.write()
        return grid, indices

    @classmethod
    def searching(cls, path: Path, name: str | None, search: Search) -> GridFolder:
        """Return the folder of a search with the runs that it has so far, not yet written.

        Raises: UsageError when the folder holds a grid, or another search.
        """
        if not is_grid(path):
            return cls(path, name, (), search)
        there = cls.open(path)
        if there.search is None:
            raise UsageError(f"'{path}' holds a grid, not a search", _ANOTHER)
        if found := [*there.search.differences(search)]:
            raise UsageError(f"'{path}' holds another search: {in_words(found)}", _ANOTHER)
        made = map(search.makes, there.runs, there.moved)
        if not all(made) and not there.is_own:
            message = f"'{path}' is not known as yours, and has runs that are not of this search"
            raise UsageError(message, _ANOTHER)
        return replace(there, search=search)

    @classmethod
    def register_search(cls, path: Path, name: str | None, search: Search) -> GridFolder:
        """Write what :meth:`searching` returns, under a lock.

        Raises: UsageError as :meth:`searching`, or when the folder cannot be written to.
        """
        RunFolder.create(path)
        with lock(path, seconds=_SECONDS_TO_REGISTER):
            grid = cls.searching(path, name, search)
            if not is_grid(path) or cls.open(path).search != search:
                grid.write()
        return grid

    def write(self) -> None:
        """Replace ``grid.json``, and sign it unless it was a stranger's."""
        file = self.path / "grid.json"
        was_own = not file.exists() or self.is_own
        content: dict[str, object] = {"name": self.name, "runs": self.runs}
        if self.search is not None:
            content |= {"search": msgspec.to_builtins(self.search), "moved": self.moved}
        write_json(file, content)
        if was_own:
            sign(file, file.read_bytes())

    @property
    def is_own(self) -> bool:
        """Whether this user started the grid."""
        return is_own(self.path / "grid.json")

    def adopt(self) -> None:
        """Take the grid for this user's: the settings of its runs are followed from now on."""
        started = (self.run_path(number) / "config.yaml" for number in range(len(self.runs)))
        for file in (self.path / "grid.json", *started):
            if file.is_file() and not is_own(file):
                sign(file, file.read_bytes())

    def run_path(self, number: int) -> Path:
        """Return the folder of a run."""
        return self.path / str(number)

    def state(self, number: int) -> RunState:
        """Return the status of a run; one whose process died is "interrupted".

        Raises: UsageError when its folder is a link out of the grid, or has one in it.
        """
        path = self.run_path(number)
        confined(path, self.path)
        refuse_links(path)
        try:
            status = read_json(path / "status.json", Status, within=self.path)
        except DataError as error:
            return RunState("interrupted", error.message)
        if not status:
            return RunState(WAITING)
        state = str(status.get("state") or "interrupted")
        if state == "running" and not is_locked(path):
            state = "interrupted"
        return RunState(
            state,
            status.get("error"),
            int(status.get("step") or 0),
            status.get("steps"),
            status.get("seconds"),
        )

    def pending(self, number: int) -> bool:
        """Return whether a run is to be trained; the status of a failed run is reset."""
        state = self.state(number)
        if state.state == "failed":
            with suppress(LockedError):
                self.mark(number, "interrupted", None)
        return state.pending

    def mark(self, number: int, state: str, error: str | None) -> None:
        """Write the state of a run whose process could not write it."""
        path = self.run_path(number)
        make_folder(path, self.path)
        with lock(path):
            try:
                RunFolder(path).update_status(state=state, error=error)
            except DataError:  # a status that is corrupt is replaced
                write_json(path / "status.json", {"state": state, "error": error})


def is_grid(path: Path) -> bool:
    """Return whether a folder is that of a grid."""
    return (path / "grid.json").is_file()


def _numbers_of(
    runs: Sequence[tuple[str, ...]], known: Sequence[tuple[str, ...]], *, composed: bool
) -> Iterator[int]:
    """Yield the number of each run: of the known one with its settings, or the next free one.

    Where the words are the same too, which is seen at once, the settings are not composed.
    """
    by_words = {identity(overrides): number for number, overrides in reversed([*enumerate(known)])}
    by_settings: dict[frozenset[tuple[str, str | None]], int] = {}
    free = len(known)
    for overrides in runs:
        number = by_words.get(identity(overrides))
        if number is None and known and composed:
            if not by_settings:
                for other, words in enumerate(known):
                    by_settings.setdefault(key_of(words), other)
            number = by_settings.setdefault(key_of(overrides), free)
        number = by_words.setdefault(identity(overrides), free if number is None else number)
        free += number == free
        yield number
