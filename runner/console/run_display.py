"""The progress of a run and its final tables, on stderr.

On a terminal a panel is redrawn in place; in a pipe, a log file or a dumb terminal the same numbers
are printed as a plain line now and then.
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.console.durations import duration
from runner.console.lines import LABEL_WIDTH, one_line
from runner.console.safe_console import SafeConsole
from runner.console.summary_tables import summary_tables
from runner.metric.number_text import decimal_text
from runner.metric.quantities import shown_in

_PANEL_WIDTH = 72
_REDRAWS_PER_SECOND = 4
_PACE_SECONDS = 30.0
"""The time left is estimated from the speed of so many last seconds."""


def make_console() -> Console:
    """Return the console on stderr; stdout is left to what other programs read.

    It takes brackets as they are: paths and names may have them.
    """
    # Otherwise FORCE_COLOR would draw the live panel into the log of a CI service.
    not_a_terminal = None if sys.stderr.isatty() else False
    return SafeConsole(stderr=True, highlight=False, markup=False, force_terminal=not_a_terminal)


class Display:
    """The progress of a run: a live panel on a terminal, plain lines elsewhere.

    The first ``done`` steps were made by an earlier process: they count for progress, not speed.
    ``examples`` is what the dataset has: images, points, documents.
    """

    def __init__(  # noqa: PLR0913 - its options by keyword
        self,
        title: str,
        total_steps: int,
        *,
        console: Console,
        done: int = 0,
        examples: str = "images",
        plain_seconds: float = 15.0,
    ) -> None:
        self._title = title
        self._total = total_steps
        self._console = console
        self._per_second = f"{examples}/s"
        self._step = self._line_step = done
        self._record: Mapping[str, float] = {}
        self._pace = _Pace(done)
        self._plain_seconds = plain_seconds
        self._next_line = 0.0
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                get_renderable=self._panel,
                console=console,
                refresh_per_second=_REDRAWS_PER_SECOND,
            )

    def __enter__(self) -> Display:
        self._pace = _Pace(self._step)
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
        elif self._step != self._line_step:
            self._print_line()

    def advance(self, step: int) -> None:
        """Note that ``step`` is done; the panel shows it when it is redrawn."""
        self._step = step

    def record(self, record: Mapping[str, float]) -> None:
        """Take the newest record: ``loss``, ``terms/…`` and ``images_per_second`` are shown.

        Figures that it lacks are those of the record before: validations have steps of their own.
        """
        self._record = {**self._record, **record}
        if self._live is None and time.monotonic() >= self._next_line:
            self._print_line()

    def _print_line(self) -> None:
        self._next_line = time.monotonic() + self._plain_seconds
        self._line_step = self._step
        width = len(f"{self._total:,}")
        parts = [self._title, f"step {self._step:>{width},} of {self._total:,}"]
        parts += [f"{amount:>9} {unit}" for amount, unit in self._speed()]
        parts += [f"{name} {decimal_text(value):>9}" for name, value in self._numbers()]
        self._console.print("  ".join(parts), markup=False, highlight=False, soft_wrap=True)

    def _panel(self) -> Panel:
        steps = Table.grid(padding=(0, 2), expand=True)
        steps.add_column(ratio=1)
        steps.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=self._total, completed=self._step, complete_style="cyan")
        steps.add_row(bar, f"{self._step:,} of {self._total:,}")
        numbers = Table.grid(padding=(0, 2), expand=True)
        numbers.add_column(ratio=1, no_wrap=True)
        numbers.add_column(justify="right", no_wrap=True)
        for name, value in self._numbers():
            numbers.add_row(name, decimal_text(value), style="bold" if name == "loss" else "")
        speed = "   ".join(f"{amount} {unit}" for amount, unit in self._speed())
        return Panel(
            Group(steps, Text(speed, style="dim", no_wrap=True), Text(), numbers),
            title=Text(self._title, style="bold"),
            title_align="left",
            border_style="dim",
            padding=(0, 1),
            width=min(_PANEL_WIDTH, self._console.width),
        )

    def _numbers(self) -> Iterator[tuple[str, float]]:
        """Yield (title, value) of the loss and the terms of the newest record."""
        for each in shown_in("live"):
            if each.name in self._record:
                yield each.title, self._record[each.name]

    def _speed(self) -> Iterator[tuple[str, str]]:
        """Yield (amount, unit) of the speed, the time elapsed and the time left."""
        speed = self._record.get("images_per_second")
        now = time.monotonic()
        left = self._pace.left(self._step, self._total, now)
        yield "-" if speed is None else f"{speed:,.0f}", self._per_second
        yield duration(self._pace.elapsed(now)), "elapsed"
        yield "-" if left is None else duration(left), "left"


class _Pace:
    """Time elapsed and time left, in seconds."""

    def __init__(self, done: int) -> None:
        self._done = done
        self._start = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque()

    def elapsed(self, now: float) -> float:
        return now - self._start

    def left(self, step: int, total: int, now: float) -> float | None:
        """Return the time left at the speed of the last seconds, or None while it is unknown.

        The speed is measured from the end of the first step, which may be slow (compilation).
        """
        if step == self._done:
            return None
        self._samples.append((now, step))
        while len(self._samples) > 2 and self._samples[1][0] < now - _PACE_SECONDS:
            self._samples.popleft()
        then, first = self._samples[0]
        return (total - step) * (now - then) / (step - first) if step > first else None


def print_settings(console: Console, title: str, rows: Mapping[str, str]) -> None:
    """Print the settings of a run, one per row; long values are broken at double spaces."""
    for label, value in {"run": title, **rows}.items():
        for number, line in enumerate(_wrap(value, console.width - LABEL_WIDTH - 2)):
            margin = ("" if number else label).rjust(LABEL_WIDTH)
            text = Text.assemble((margin, "dim"), "  ", line)
            console.print(text, soft_wrap=True, highlight=False)


def print_summary(
    console: Console, summary: Mapping[str, Any], *, examples: str = "images"
) -> None:
    """Print the content of ``summary.json`` as tables, the most informative variable first."""
    tables = summary_tables(
        summary, width=console.width, ascii_only=console.options.ascii_only, examples=examples
    )
    for title, table in tables:
        console.print()
        if title:
            console.print(Text(f"  {title}", style="bold"), soft_wrap=True, highlight=False)
        console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    console.print()
    for sentence in summary.get("warnings", ()):
        print_warning(console, sentence)


def print_warning(console: Console, text: str) -> None:
    """Print on one line what of the results is not to be trusted, without reading any markup."""
    line = Text.assemble(("warning:", "bold yellow"), " ", one_line(text))
    console.print(line, soft_wrap=True, highlight=False)


def print_note(console: Console, text: str) -> None:
    """Print what may surprise on one line, without reading any markup."""
    console.print(Text(f"note: {' '.join(text.split())}"), soft_wrap=True, highlight=False)


def print_error(console: Console, message: str, hint: str | None) -> None:
    """Print an error on one line and its remedy on the next, without reading any markup."""
    line = Text.assemble(("error:", "bold red"), " ", one_line(message))
    console.print(line, soft_wrap=True, highlight=False)
    if hint:
        console.print(Text(f"  {one_line(hint)}"), soft_wrap=True, highlight=False)


def _wrap(value: str, width: int) -> list[str]:
    """Return a value in lines, broken at double spaces and within a phrase only if necessary."""
    lines: list[str] = []
    for phrase in value.split("  "):
        if lines and len(f"{lines[-1]}  {phrase}") <= width:
            lines[-1] += f"  {phrase}"
        elif len(phrase) <= width:
            lines.append(phrase)
        else:
            lines += textwrap.wrap(phrase, max(width, 1), break_on_hyphens=False)
    return lines
