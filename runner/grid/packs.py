"""A worker trains several runs that it has locked: together where they can be, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from runner.console.lines import print_labelled
from runner.console.run_display import make_console
from runner.console.signals import Interrupt
from runner.errors import InterruptedRun
from runner.grid.failures import UnforeseenError, report_end, reported
from runner.grid.folder import GridFolder
from runner.grid.run_log import logged
from runner.grid.search import KnownRuns, Trials
from runner.grid.settings_of_run import composed, of_places
from runner.runs.pack import PackedRun, carry_out_together, key_of
from runner.runs.preparation import GoesOn
from runner.runs.story import Ready
from runner.runs.train import ready_to_resume, ready_to_start

Tell = Callable[[Mapping[str, Any]], bool]


@dataclass
class Packs:
    """Trains runs that this process has locked, and reports each of them."""

    trials: Trials | KnownRuns
    places: tuple[str, ...]
    tell: Tell
    goes_on: bool = True
    """Whether anybody still listens."""
    interruption: InterruptedRun | None = None
    bug: UnforeseenError | None = None

    def train(self, numbers: Sequence[int]) -> int | None:
        """Train runs; return how many fit into the memory together, where these were too many.

        Raises:
            InterruptedRun: after a signal; the runs in progress have written checkpoints.
            UnforeseenError: after an error that is a bug, when the other runs have ended.
        """
        begun = [(number, self._begin(number)) for number in numbers]
        packs: dict[Hashable, dict[int, Ready]] = {}
        for number, grid in begun:
            self._prepare(number, grid, packs)
        sizes = [self._train_pack(pack) for pack in packs.values()]
        if self.interruption is not None:
            raise self.interruption
        if self.bug is not None:
            raise self.bug
        return min((size for size in sizes if size is not None), default=None)

    def _begin(self, number: int) -> GridFolder:
        grid = self.trials.begin(number)
        self.tell({"begin": number})
        return grid

    def _prepare(
        self, number: int, grid: GridFolder, packs: dict[Hashable, dict[int, Ready]]
    ) -> None:
        """Put a run that is ready to train into its pack; one that is refused has ended."""
        with logged(grid.run_path(number) / "log.txt"):
            try:
                ready = _ready(grid, number, self.places, self.trials.watch(number))
                key = key_of(ready)
            except Exception as error:
                self._ended(grid, number, error)
                return
        ready.clock.stop()
        pack = packs.setdefault(number if key is None else key, {})
        if pack:  # one key, one dataset: it is in the memory once
            shared = next(iter(pack.values())).run.dataset
            ready = replace(ready, run=replace(ready.run, dataset=shared))
        pack[number] = ready

    def _train_pack(self, pack: Mapping[int, Ready]) -> int | None:
        if self.interruption is not None or Interrupt.last is not None or not self.goes_on:
            return None
        runs = [self._packed(number, ready, pack) for number, ready in pack.items()]
        with runs[0].log():  # what belongs to no run alone is not for the terminal
            return carry_out_together(runs, self._note)

    def _note(self, text: str) -> None:
        self.tell({"note": text})

    def _packed(self, number: int, ready: Ready, pack: Mapping[int, Ready]) -> PackedRun:
        grid = GridFolder.open(ready.run.folder.path.parent)
        log = partial(logged, ready.run.folder.path / "log.txt")
        others = [str(other) for other in pack if other != number]
        if others:
            with log():
                text = f"run{'s' if len(others) > 1 else ''} {', '.join(others)}"
                print_labelled(make_console(), "trained with", text)
        return PackedRun(ready, log, partial(self._ended, grid, number))

    def _ended(self, grid: GridFolder, number: int, error: Exception | None) -> None:
        """Write and report how a run has ended."""
        message = None
        if isinstance(error, InterruptedRun):
            self.interruption = error
            return
        try:
            message = None if error is None else reported(error)
        except UnforeseenError as bug:
            self.bug, message = bug, str(bug)
        self.goes_on = report_end(self.trials, grid, number, message, self.tell) and self.goes_on


def _ready(grid: GridFolder, number: int, places: tuple[str, ...], goes_on: GoesOn | None) -> Ready:
    """Return a run that begins, or goes on from its last checkpoint.

    Raises: VaerunError where it is refused.
    """
    path = grid.run_path(number)
    if (path / "config.yaml").is_file():
        return ready_to_resume(path, of_places(places), goes_on=goes_on)
    return ready_to_start(*composed(grid, number, places), goes_on=goes_on)
