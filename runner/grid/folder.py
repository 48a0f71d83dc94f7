"""The folder of a grid: ``grid.json`` lists the runs; each run's folder has its own status.

A run is identified by its settings and its folder by its number, so the runs
of a grid are found again when it is restarted or when its sweep file has more runs. Nothing is
written for a run before it starts, so a grid of thousands of runs starts at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from runner.errors import DataError, UsageError
from runner.grid.run_settings import differences, in_words, key_of
from runner.grid.sweep_file import identity
from runner.store.confined import confined, make_folder
from runner.store.json_file import read_json, write_json
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder, refuse_links
from runner.store.run_schemas import Status
from runner.store.signature import is_own, sign

WAITING = "waiting"
"""The state of a run that no process has started."""

SETTLED = ("finished", "failed", "diverged")
"""States in which no worker trains a run."""

_SECONDS_TO_REGISTER = 60.0


class _Content(msgspec.Struct):
    """``grid.json``: the overrides of every run, by number."""

    runs: list[list[Annotated[str, msgspec.Meta(pattern="=")]]]
    name: str | None = None


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
        """Whether a launch trains it: not if it diverged, since it would diverge again."""
        return self.state not in ("finished", "diverged")


@dataclass(frozen=True)
class GridFolder:
    """A grid of runs; ``runs`` holds the overrides of each, by number."""

    path: Path
    name: str | None
    runs: tuple[tuple[str, ...], ...]

    @classmethod
    def open(cls, path: Path) -> GridFolder:
        """Return the grid of a folder.

        Raises: UsageError when there is none; DataError when ``grid.json`` is corrupt.
        """
        content = read_json(path / "grid.json", _Content)
        if not content:
            raise UsageError(f"'{path}' is not the folder of a grid (it has no grid.json)")
        runs: list[list[str]] = content["runs"]
        return cls(path, content.get("name"), tuple(tuple(run) for run in runs))

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
        known = cls.open(path).runs if is_grid(path) else ()
        own = is_own(path / "grid.json")
        every, indices = list(known), list[int]()
        for overrides, number in zip(runs, _numbers_of(runs, known, composed=own), strict=True):
            if number == len(every):
                every.append(overrides)
            indices.append(number)
        if known and len(every) == len(known) + len(set(indices)):
            found = in_words(differences(known, runs)) if own else "it is not known as yours"
            message = f"'{path}' holds a grid with other settings: {found}"
            raise UsageError(message, "sweep_name=… names another folder")
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
            is_new = not is_grid(path)
            if is_new or len(grid.runs) > len(cls.open(path).runs):
                was_own = is_new or grid.is_own
                write_json(path / "grid.json", {"name": name, "runs": grid.runs})
                if was_own:
                    sign(path / "grid.json", (path / "grid.json").read_bytes())
        return grid, indices

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
