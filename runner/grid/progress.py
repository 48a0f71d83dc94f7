"""The progress of a grid on stderr: a bar on a terminal, else a line per finished run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from runner.console.durations import duration

_MARKS = {"finished": "done", "interrupted": "stopped"}
_STYLES = {"finished": "green", "pruned": "dim", "failed": "bold red", "diverged": "bold red"}


class Progress:
    """Counts the runs of a launch; ``labels`` are the settings that distinguish each."""

    def __init__(self, console: Console, labels: Sequence[str], total: int) -> None:
        self._console = console
        self._labels = labels
        self._total = total
        self._ended = 0
        self._begun = time.monotonic()
        self._bar: Bar | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._bar = Bar(*columns, console=console, transient=True)
            self._bar.add_task("starting", total=total)

    def __enter__(self) -> Progress:
        self._begun = time.monotonic()
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def ended(self, run: int, state: str, error: str | None) -> None:
        """Count a run that ended, and print its state."""
        self._ended += 1
        width = len(str(self._total))
        line = Text.assemble(
            (f"{self._ended:>{width}} of {self._total}  ", "dim"),
            (f"{_MARKS.get(state, state):>8}", _STYLES.get(state, "yellow")),
            f"  {run}  {self._labels[run]}",
            (f"  {error}" if error else "", "dim"),
        )
        self._console.print(line, highlight=False, soft_wrap=True)

    def refresh(self, running: Sequence[int | None]) -> None:
        """Redraw the bar: the runs in training, and the time left at the mean speed so far."""
        if self._bar is None:
            return
        numbers = ", ".join(str(run) for run in running if run is not None)
        elapsed = time.monotonic() - self._begun
        left = elapsed / self._ended * (self._total - self._ended) if self._ended else None
        text = f"training {numbers or '-'}   {duration(elapsed)} elapsed"
        text += f"   about {duration(left)} left" if left is not None else ""
        self._bar.update(self._bar.task_ids[0], completed=self._ended, description=text)
