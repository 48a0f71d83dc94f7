"""What a person sees while scores are computed: a line for each, and what is under way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from runner.console.summary_tables import figure_text

_SHOWN = 3
"""Numbers of a score in its line; all of them are in the file."""

_LABEL_WIDTH = 28


class ScoreDisplay:
    """Scores as they come, on stderr; on a terminal also what is being computed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0
        self._started = time.monotonic()
        self._what = ""
        self._status = Status("", console=console, spinner_style="cyan")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._status.stop()

    def expect(self, total: int, metrics: str) -> None:
        """Note how many scores will come."""
        self._total = total
        words = f"{total} scores, metrics={metrics}" if total else "all there already"
        self._console.print(f"[dim]{'scoring':>12}[/]  {words}", highlight=False)

    def begin(self, what: str) -> None:
        """Note that a score is being computed."""
        self._started, self._what = time.monotonic(), what
        self._status.update(Text(f"{self._done + 1} of {self._total}  {what}"))

    def encode(self, done: int, total: int) -> None:
        """Note how many images are encoded."""
        words = f"{self._done + 1} of {self._total}  encoding {done:,} of {total:,} images"
        self._status.update(Text(words))
        if done == total:
            self._status.update(Text(f"{self._done + 1} of {self._total}  {self._what}"))

    def end(self, numbers: Mapping[str, float]) -> float:
        """Print the score that was begun, and return the seconds it took."""
        seconds = time.monotonic() - self._started
        shown = list(numbers.items())[:_SHOWN]
        own = self._what.rpartition("/")[2]
        words = [f"{_short(name, own)}{figure_text(value)}" for name, value in shown]
        if len(numbers) > _SHOWN:
            words.append(f"and {len(numbers) - _SHOWN} more")
        self._print(f"{'  '.join(words)}", f"{seconds:.1f} s")
        return seconds

    def refuse(self, why: str) -> None:
        """Print why the score that was begun does not apply."""
        self._print(why, "")

    def _print(self, words: str, time_taken: str) -> None:
        self._done += 1
        line = Text.assemble((f"  {self._what:<{_LABEL_WIDTH}}", "cyan"), words)
        line.append(f"  {time_taken}", "dim")
        self._console.print(line, soft_wrap=True, highlight=False)


def _short(name: str, metric: str) -> str:
    """Return what to write before a number: nothing for the score itself, else its last part."""
    return "" if name == metric else f"{name.removeprefix(f'{metric}/')} "
