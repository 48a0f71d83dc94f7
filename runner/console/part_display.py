"""The progress of a long command, part by part, with the time that is left: on stderr.

On a terminal one line is redrawn in place; in a log a part that takes long prints a line now and
then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner import progress
from runner.console.durations import duration

_BAR_WIDTH = 24
_LEAST_SECONDS = 1.0
"""Before a loop has taken so long, the time that it still needs cannot be told."""


def _nothing() -> None:
    """Stop nothing."""


class PartDisplay:
    """Shows which part is being computed and how far it is.

    ``check`` is called between the steps of every part; it raises an error to stop there.
    """

    def __init__(
        self,
        console: Console,
        check: Callable[[], None] | None = None,
        *,
        plain_seconds: float = 30.0,
    ) -> None:
        self._console = console
        self._check = check or _nothing
        self._plain_seconds = plain_seconds
        self._part = ""
        self._what, self._done, self._total = "", 0, 0
        self._begun = self._printed = time.monotonic()
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                get_renderable=self._line, console=console, transient=True, refresh_per_second=4
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def part(self, name: str) -> Generator[None]:
        """Show a part while it is computed within; what it leaves out is printed."""
        self.check()
        self._part = name
        self._what, self._done, self._total = "", 0, 0
        self._begun = self._printed = time.monotonic()
        with progress.listening(self):
            try:
                yield
            finally:
                self._part = ""

    def tell(self, what: str, done: int, total: int) -> None:
        """Take how far the part is; see :class:`runner.progress.Listener`."""
        self.check()
        if what != self._what or done < self._done:
            self._begun = time.monotonic()
        self._what, self._done, self._total = what, done, total
        if self._live is None and time.monotonic() - self._printed >= self._plain_seconds:
            self._printed = time.monotonic()
            self._console.print("  ".join(self._words()), markup=False, highlight=False)

    def check(self) -> None:
        """Raise the error that stops the command, if there is one."""
        self._check()

    def left_out(self, what: str) -> None:
        """Print what the part leaves out."""
        text = Text.assemble((f"{'left out':>12}", "dim"), f"  {what}")
        self._console.print(text, soft_wrap=True, highlight=False)

    def _words(self) -> list[str]:
        """Return the part, what it does, how far it is, and the time that is left."""
        words = [part for part in (self._part, self._what) if part]
        if self._total > 1:
            words.append(f"{self._done:,} of {self._total:,}")
            seconds = time.monotonic() - self._begun
            if self._done and self._done < self._total and seconds >= _LEAST_SECONDS:
                left = seconds * (self._total - self._done) / self._done
                words.append(f"{duration(left)} left")
        return words

    def _line(self) -> Table:
        row = Table.grid(padding=(0, 2))
        if not self._part:
            return row
        text = Text("  ".join(self._words()), no_wrap=True)
        if self._total > 1:
            bar = ProgressBar(
                total=self._total,
                completed=self._done,
                width=_BAR_WIDTH,
                complete_style="cyan",
            )
            row.add_row(Text(""), bar, text)
        else:
            row.add_row(Text(""), text)
        return row
