"""The progress of scores: a line for each, and on a terminal the one that is being computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from runner.console.lines import print_labelled
from runner.console.part_display import PartDisplay
from runner.metric.number_text import plus_minus, with_error

_SHOWN = 3
"""Numbers of a score that its line shows; ``scores.json`` has all of them."""

_LABEL_WIDTH = 30


class ScoreDisplay:
    """Prints each score when it is known, and shows how far the next one is, on stderr.

    ``check`` is called between the steps of a score; it raises an error to stop there.
    """

    def __init__(self, console: Console, check: Callable[[], None] | None = None) -> None:
        self._console = console
        self._parts = PartDisplay(console, check)
        self._total = 0
        self._done = 0
        self._started = time.monotonic()
        self._name = ""

    def __enter__(self) -> Self:
        self._parts.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._parts.__exit__(kind, error, at)

    def expect(self, total: int, metrics: str) -> None:
        """Print how many scores will be computed."""
        self._total = total
        text = f"{total} scores, metrics={metrics}" if total else "all there already"
        print_labelled(self._console, "scoring", text)

    @contextmanager
    def score(self, name: str) -> Generator[None]:
        """Show how far a score is that is computed within, such as ``mean/mig``."""
        self._started, self._name = time.monotonic(), name
        with self._parts.part(f"{self._done + 1} of {self._total}  {name}"):
            yield

    def end(self, numbers: Mapping[str, float], errors: Mapping[str, float] | None = None) -> float:
        """Print the score that was begun, and return the seconds it took.

        ``errors``: the standard errors of some of the numbers, by their names.
        """
        seconds = time.monotonic() - self._started
        shown = list(numbers.items())[:_SHOWN]
        own = self._name.rpartition("/")[2]
        sign = plus_minus(ascii_only=self._console.options.ascii_only)
        known = errors or {}
        parts = [
            f"{_short(name, own)}{with_error(value, known.get(name), sign)}"
            for name, value in shown
        ]
        if len(numbers) > _SHOWN:
            parts.append(f"and {len(numbers) - _SHOWN} more")
        self._print("  ".join(parts), f"{seconds:.1f} s")
        return seconds

    def refuse(self, reason: str) -> None:
        """Print why the score that was begun does not apply."""
        self._print(reason, "")

    def _print(self, text: str, time_taken: str) -> None:
        self._done += 1
        line = Text.assemble((f"  {self._name:<{_LABEL_WIDTH}} ", "cyan"), text)
        line.append(f"  {time_taken}", "dim")
        self._console.print(line, soft_wrap=True, highlight=False)


def _short(name: str, metric: str) -> str:
    """Return the label of a number: empty for the score itself, else the rest of its name."""
    return "" if name == metric else f"{name.removeprefix(f'{metric}/')} "
