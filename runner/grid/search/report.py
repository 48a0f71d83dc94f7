"""How a search ended: its best runs, those that failed, and the best settings as a command."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.errors import VaerunError
from runner.grid.folder import GridFolder
from runner.grid.labels import labels_of
from runner.grid.progress import duration
from runner.grid.search.objective import Outcome, best
from runner.grid.space import Search
from runner.store.shown_text import escaped

_STYLES = {"finished": "green", "pruned": "dim", "failed": "bold red", "diverged": "bold red"}
_MOST_BEST = 10
_MOST_OTHERS = 20


def exit_code(found: Mapping[int, Outcome]) -> int:
    """Return 1 when a run failed, or when all have ended and none has a value; else 0.

    Runs that diverged or were pruned are results of a search.
    """
    states = [each.state.state for each in found.values()]
    is_open = any(state in ("running", "interrupted", "waiting") for state in states)
    is_vain = bool(states) and not is_open and all(each.value is None for each in found.values())
    return VaerunError.exit_code if "failed" in states or is_vain else 0


def print_search(
    console: Console, grid: GridFolder, search: Search, found: Mapping[int, Outcome]
) -> None:
    """Print the best runs, some of the others, and the command that trains the best one again."""
    ranked = best(found, search)
    others = [number for number in found if found[number].value is None]
    console.print()
    if ranked:
        table = _table_of_best(grid, search, found, ranked[:_MOST_BEST])
        console.print(Padding(table, (0, 0, 1, 2), expand=False), highlight=False)
    labels = labels_of(grid)
    for number in others[:_MOST_OTHERS]:
        console.print(_line(number, found[number], labels[number]), soft_wrap=True)
    if len(others) > _MOST_OTHERS:
        console.print(f"  … and {len(others) - _MOST_OTHERS:,} more", style="dim")
    counts = Counter(each.state.state for each in found.values())
    counted = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    console.print(f"  {counted or 'no runs'}, of {search.trials:,}\n", highlight=False)
    if ranked:
        print_best(console, grid, search, found)


def print_best(
    console: Console, grid: GridFolder, search: Search, found: Mapping[int, Outcome]
) -> None:
    """Print the best run so far, and the command that trains one with its settings."""
    number = best(found, search)[0]
    named = search.metric.name
    line = Text.assemble(("best  ", "bold"), f"run {number}, {named} {shown(found[number].value)}")
    console.print(line, highlight=False)
    console.print(Text(escaped(command(grid.runs[number]))), highlight=False, soft_wrap=True)
    console.print()


def command(overrides: Sequence[str]) -> str:
    """Return the command that trains a run with these settings, for a shell."""
    has_steps = any(each.startswith("steps=") for each in overrides)
    kept = [each for each in overrides if not (has_steps and each == "epochs=null")]
    return " ".join(["vaerun", *map(shlex.quote, kept)])


def shown(value: float | None) -> str:
    """Return a number of the metric as it is printed."""
    return "" if value is None else f"{value:.6g}"


def _table_of_best(
    grid: GridFolder, search: Search, found: Mapping[int, Outcome], ranked: Sequence[int]
) -> Table:
    """Return a table of the best runs, with a column for every parameter that is searched."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("run", justify="right", style="dim")
    table.add_column(search.metric.name, justify="right", style="green")
    names = [each.name for each in search.searched]
    tails = Counter(name.rpartition(".")[2] for name in names)
    for name in names:
        tail = name.rpartition(".")[2]
        table.add_column(tail if tails[tail] == 1 else name, justify="right", overflow="fold")
    table.add_column("time", justify="right", style="dim")
    for number in ranked:
        settings = dict(each.split("=", 1) for each in grid.runs[number])
        seconds = found[number].state.seconds
        time = "" if seconds is None else duration(seconds)
        values = [Text(escaped(settings.get(name, ""))) for name in names]
        table.add_row(str(number), shown(found[number].value), *values, time)
    return table


def _line(number: int, outcome: Outcome, label: str) -> Text:
    """Return a line about a run that has no value: its state, its settings, and why."""
    state = outcome.state
    where = f"at step {state.step:,} of {state.steps:,}" if state.steps else ""
    why = state.error or ("" if state.state == "finished" else where)
    if state.state == "finished":
        why = "the metric is not among its numbers"
    style = _STYLES.get(state.state, "yellow")
    return Text.assemble(
        (f"{number:>5}  ", "dim"),
        (f"{escaped(state.state):<11}", style),
        escaped(label),
        (f"  {escaped(why)}", "dim"),
    )
