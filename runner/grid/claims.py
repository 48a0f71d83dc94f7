"""The runs that a worker takes: one, or several of a kind at once, locked while it has them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import ExitStack

from runner.grid.folder import GridFolder
from runner.grid.kinds import Kind, kinds_of
from runner.grid.search import KnownRuns, Trials
from runner.store.confined import make_folder
from runner.store.lock import LockedError, lock


class Claims:
    """Takes runs that are not settled and that no other process has locked."""

    def __init__(self, grid: GridFolder, trials: Trials | KnownRuns, most: int) -> None:
        """Take the runs of a grid, at most so many at once."""
        self._grid, self._trials = grid, trials
        self._kind = kinds_of(grid) if most > 1 else _alone
        self.most = most
        self.locked: list[int] = []
        """Runs that other processes had."""
        self.is_over = False
        """Whether no further run is to begin."""

    def of(self, numbers: Iterable[int]) -> Generator[list[int]]:
        """Yield runs to train together if they can, in their order; they are locked until then."""
        left = deque(numbers)
        while left and not self.is_over:
            with ExitStack() as locks:
                if taken := self._taken(left, locks):
                    yield taken

    def _taken(self, left: deque[int], locks: ExitStack) -> list[int]:
        """Lock the next run, and others of its kind; those of other kinds stay left."""
        taken, passed = list[int](), list[int]()
        while left and len(taken) < self.most:
            number = left.popleft()
            if taken and not self._is_alike(taken[0], number):
                passed.append(number)
            elif self._grid.state(number).settled:
                continue
            elif self._trials.is_over(number):
                self.is_over = True
                break
            elif self._locks(number, locks):
                taken.append(number)
        left.extendleft(reversed(passed))
        return taken

    def _is_alike(self, first: int, other: int) -> bool:
        kind = self._kind(first)
        return kind is not None and kind == self._kind(other)

    def _locks(self, number: int, locks: ExitStack) -> bool:
        path = self._grid.run_path(number)
        make_folder(path, self._grid.path)
        with ExitStack() as attempt:
            try:
                attempt.enter_context(lock(path))
            except LockedError:
                self.locked.append(number)
                return False
            if self._grid.state(number).settled:  # another worker has just finished it
                return False
            locks.push(attempt.pop_all())
        return True


def _alone(_number: int) -> Kind:
    return None
