"""What a person sees: a live display on a terminal, plain lines elsewhere, tables at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

TERM_WORDS = {
    "reconstruction": "reconstruction",
    "index_code_mi": "index-code MI",
    "group_total_correlation": "correlation between groups",
    "within_group_total_correlation": "correlation within groups",
    "dimension_wise_kl": "dimension-wise KL",
}
"""The five terms, by their names in logs, in words."""

_LIVE_SECONDS = 0.25


def make_console() -> Console:
    """Return the console for people: standard error, so that standard output stays clean."""
    return Console(stderr=True)


class Display:
    """Progress of one run: a live panel on a terminal, a plain line now and then elsewhere."""

    def __init__(
        self,
        title: str,
        total_steps: int,
        *,
        console: Console,
        done: int = 0,
        plain_seconds: float = 15.0,
    ) -> None:
        self._title, self._total, self._console = title, total_steps, console
        self._plain_seconds = plain_seconds
        self._drawn = -float("inf")
        self._shown: Mapping[str, float] = {}
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            expand=True,
            speed_estimate_period=120,
        )
        self._task = self._progress.add_task(title, total=total_steps, completed=done, speed="")
        on_terminal = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False) if on_terminal else None

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._draw()
            self._live.stop()
        elif self._shown:
            self._print_line()

    def advance(self, step: int) -> None:
        """Show that a step is done; cheap enough to call at every one."""
        if self._live and time.monotonic() - self._drawn > _LIVE_SECONDS:
            self._progress.update(self._task, completed=step)
            self._draw()

    def record(self, record: Mapping[str, float]) -> None:
        """Show the newest figures."""
        first = not self._shown
        self._shown = record
        speed = f"{record['images_per_second']:,.0f} images/s"
        self._progress.update(self._task, completed=record["step"], speed=speed)
        if not self._live and (first or time.monotonic() - self._drawn > self._plain_seconds):
            self._print_line()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        if self._live:
            self._live.update(Group(self._progress, self._figures()), refresh=True)

    def _figures(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
        table.add_column(justify="right", style="cyan")
        table.add_column(justify="right")
        table.add_column(style="dim")
        if self._shown:
            table.add_row("loss", f"{self._shown['loss']:.3f}", "nats an image, weighted")
            for name, words in TERM_WORDS.items():
                table.add_row(words, f"{self._shown[f'terms/{name}']:.3f}", "")
        return table

    def _print_line(self) -> None:
        self._drawn = time.monotonic()
        shown = self._shown
        terms = "  ".join(f"{name} {shown[f'terms/{name}']:.2f}" for name in TERM_WORDS)
        line = (
            f"{self._title}  step {shown['step']:.0f}/{self._total}  "
            f"{shown['images_per_second']:,.0f} images/s  loss {shown['loss']:.2f}  {terms}"
        )
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def print_settings(console: Console, title: str, rows: Mapping[str, str]) -> None:
    """Print what is about to happen: one labelled line a setting."""
    console.print(Text(title, style="bold"))
    for name, value in rows.items():
        console.print(Text(f"{name:>12}", style="dim"), Text(value), soft_wrap=True)


def print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    """Print the final figures: ELBO and terms, then each variable, then each group."""
    console.print()
    console.print(_terms_table(summary))
    console.print(_variables_table(summary))
    console.print(_groups_table(summary))
    for name, score in summary["scores"].items():
        console.print(f"  {name} {score:.3f}", highlight=False)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=True)
    table.add_column(first, style="cyan", no_wrap=True)
    for column in others:
        table.add_column(column, justify="right")
    return table


def _terms_table(summary: Mapping[str, Any]) -> Table:
    title = f"ELBO and its terms over {summary['images']:,} images ({summary['split']})"
    table = _table(title, "term", "nats an image")
    for name, words in TERM_WORDS.items():
        table.add_row(words, f"{summary['terms'][name]:.3f}")
    table.add_row("rate", f"{summary['rate']:.3f}", style="dim")
    table.add_row("ELBO", f"{summary['elbo']:.3f}", style="bold")
    return table


def _variables_table(summary: Mapping[str, Any]) -> Table:
    known = summary["information"]
    title = f"Variables, q(z) over {summary['encodings']:,} encodings"
    table = _table(title, "variable", "I(x; z_v)", "rate")
    for name in sorted(known["variable"], key=lambda name: -known["variable"][name]):
        table.add_row(name, f"{known['variable'][name]:.3f}", f"{known['rate'][name]:.3f}")
    return table


def _groups_table(summary: Mapping[str, Any]) -> Table:
    known = summary["information"]
    factors = list(next(iter(known["factor"].values())))
    columns = ["I(x; z_g)", *(f"I({factor}; z_g)" for factor in factors)]
    table = _table("Groups", "group", *columns)
    for name, by_factor in known["factor"].items():
        values = [known["group"][name], *by_factor.values()]
        table.add_row(name, *(f"{value:.3f}" for value in values))
    return table
