"""Runs that train together: the story of each is the one that it has alone.

The steps of all runs of a pack are made at once (:mod:`runner.training.packed`), and each run's
story hears of its own. What one run writes, and how it ends, is its own as well: its folder, log,
checkpoints and trackers are those of a run alone, and the others go on. Runs are evaluated one
after the other when all have trained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace

from runner.console.run_display import make_console
from runner.console.signals import Interrupt
from runner.errors import DivergedError
from runner.runs.compile_choice import without_compiling
from runner.runs.fit import Watch, make_steps
from runner.runs.story import Ready, Story, story_of
from runner.training.packed import Member, Pack, PackTooLargeError, Report, halves

Ended = Callable[[Exception | None], None]
Note = Callable[[str], None]


@dataclass(frozen=True)
class PackedRun:
    """A run that is to train with others."""

    ready: Ready
    log: Callable[[], AbstractContextManager[None]]
    """What is printed within goes to the log of the run."""
    ended: Ended
    """Is told the error that ended the run, or None, within its log."""


def key_of(ready: Ready) -> Hashable | None:
    """Return what runs have in common that can train together; None for one that trains alone."""
    run = ready.run
    if run.is_trained:
        return None
    key = run.method.pack_key(run.config)
    return None if key is None else (key, repr(run.config.plugins))


def carry_out_together(runs: Sequence[PackedRun], note: Note) -> int | None:
    """Train and evaluate runs of one :func:`key_of`.

    A pack that is too large for the memory is trained in two halves, which ``note`` is told in one
    line. After a signal each run writes a checkpoint, and its error is InterruptedRun.

    Returns how many runs fit into the memory together where these were too many, else None.

    Raises: KeyboardInterrupt after a second signal, when every run has noted it.
    """
    with Interrupt(make_console()) as interrupt:
        eager = [
            replace(each, ready=replace(each.ready, run=without_compiling(each.ready.run)))
            for each in runs
        ]
        told = [_Told(each, story_of(each.ready, interrupt)) for each in eager]
        try:
            for each in told:
                each.hear(lambda each=each: next(each.story))
            training = [each for each in told if each.watch is not None]
            size = _train(training, note)
            for each in told:
                if not each.is_over:
                    each.hear(lambda each=each: each.story.send(None))
        except BaseException as error:
            for each in told:
                with suppress(BaseException):
                    each.fail(error)
            raise
    return size if size < len(training) else None


@dataclass
class _Told:
    """The story of a run of a pack, as far as it has been told."""

    run: PackedRun
    story: Story
    watch: Watch | None = None
    """Says of which steps the story is to hear; None: it waits for its evaluation, or is over."""
    is_over: bool = False

    def __post_init__(self) -> None:
        self.run.ready.clock.stop()

    @property
    def member(self) -> Member:
        run = self.run.ready.run
        member = run.method.member(run.config, run.steps)
        if member is None:
            raise ValueError("a run that trains alone is in a pack")
        return member

    def hear(self, action: Callable[[], Watch | None]) -> None:
        """Go on with the story by an action, and take note if it ends with it."""
        if self.is_over:
            return
        self.watch = None
        with self._turn():
            try:
                self.watch = action()
            except StopIteration:
                self._end(None)
            except Exception as error:  # its own: the others go on
                self._end(error)
            except BaseException:
                self.is_over = True
                raise

    def fail(self, error: BaseException) -> None:
        """End the story with an error that has come from outside of it."""
        self.hear(lambda: self.story.throw(error))

    def report(self, result: Report) -> None:
        """Take the outcome of a step."""
        if isinstance(result, DivergedError):
            self.fail(result)
        elif self.watch is not None and self.watch.is_due(result):
            self.hear(lambda: self.story.send(result))

    def _end(self, error: Exception | None) -> None:
        self.is_over = True
        self.run.ended(error)

    @contextmanager
    def _turn(self) -> Generator[None]:
        clock = self.run.ready.clock
        clock.go_on()
        try:
            with self.run.log():
                yield
        finally:
            clock.stop()


def _train(told: Sequence[_Told], note: Note) -> int:
    """Train runs to the end of each; return how many were in the largest pack that fitted."""
    if not told:
        return 0
    if len(told) == 1:
        _train_alone(told[0])
        return 1
    try:
        _train_pack(told)
    except PackTooLargeError:
        left = [each for each in told if each.watch is not None]
        parts = halves(left)
        sizes = " and ".join(str(len(part)) for part in parts)
        note(f"{len(left)} runs are too many to train together in this memory: {sizes} instead")
        return max(_train(part, note) for part in parts)
    return len(told)


def _train_alone(told: _Told) -> None:
    if (watch := told.watch) is not None:
        told.hear(lambda: make_steps(told.run.ready.run, watch, told.story))


def _train_pack(told: Sequence[_Told]) -> None:
    """Make the steps of several runs together.

    Raises: PackTooLargeError where there is too little memory for the next step of all.
    """
    pack = Pack([each.member for each in told])
    steps, begun = pack.train(), time.monotonic()
    try:
        for reports in steps:
            share = (time.monotonic() - begun) / len(reports)
            for number, report in reports.items():
                told[number].run.ready.clock.add(share)
                told[number].report(report)
                if told[number].watch is None:
                    pack.drop(number)
            begun = time.monotonic()
    except PackTooLargeError:
        raise
    except Exception as error:  # of a step of all: it is nobody's own
        for each in told:
            if each.watch is not None:
                each.fail(error)
