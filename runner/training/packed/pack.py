"""The loop of a pack: several runs, each a generator of records as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from runner.errors import DivergedError
from runner.training.packed.form import Form
from runner.training.packed.member import Feed, Member
from runner.training.packed.turn import Report, Turn

T = TypeVar("T")

Reports = dict[int, Report]
"""Number of a run, its place among the members → what it reports after a step."""


def halves(runs: Sequence[T]) -> tuple[list[T], list[T]]:
    """Return two packs in place of one that is too large; the second is empty for one run."""
    middle = (len(runs) + 1) // 2
    return list(runs[:middle]), list(runs[middle:])


def train_pack(members: Sequence[Member], *, form: Form | None = None) -> Iterator[Reports]:
    """Train runs of one key together, each until its own last step; see :class:`Pack`."""
    return Pack(members, form=form).train()


class Pack:
    """Runs of one :func:`~runner.training.packed.key.pack_key` that train together.

    Every run has its own minibatches, noise, weights, optimizer, memory bank and records: those of
    (seed, step), as it has them alone. Its figures are those of a run alone up to rounding.
    """

    def __init__(self, members: Sequence[Member], *, form: Form | None = None) -> None:
        self._feeds = {number: Feed(member) for number, member in enumerate(members)}
        self._form: Form | None = form
        self._active = [n for n, member in enumerate(members) if member.state.step < member.steps]

    @property
    def active(self) -> tuple[int, ...]:
        """The runs that take the next step, by their number."""
        return tuple(sorted(self._active))

    def drop(self, number: int) -> None:
        """Take no further step of a run; the others go on."""
        self._active = [n for n in self._active if n != number]

    def train(self) -> Iterator[Reports]:
        """Take the steps; yield after each what every run that took it has to report.

        A run reports its record where one is due and else None, exactly as
        :func:`runner.training.train` yields them, or the DivergedError that it would raise, after
        which it takes no more steps. A run that has reached its last step, has diverged or was
        dropped leaves the others as they are.

        Every state is up to date at every yield, and has tensors of its own again when this
        generator has ended or is closed.

        Raises: PackTooLargeError where there is too little memory for a step of these runs; none of
            them has taken it.
        """
        while self._active:
            runs = self._active
            turn = Turn([self._feeds[number] for number in runs], self._form)
            try:
                while self._active == runs:
                    yield self._reports(dict(zip(runs, turn.step(), strict=True)))
            finally:
                turn.release()

    def _reports(self, reports: Reports) -> Reports:
        for number, report in reports.items():
            member = self._feeds[number].member
            if isinstance(report, DivergedError) or member.state.step >= member.steps:
                self.drop(number)
        return reports
