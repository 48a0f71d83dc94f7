"""The states of a grid's runs: the table at the end, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.errors import DivergedError, VaerunError
from runner.grid.folder import WAITING, RunState
from runner.grid.progress import duration

_STYLES = {"finished": "green", "pruned": "dim", "failed": "bold red", "diverged": "bold red"}

_ALL_SHOWN = 40
"""Grids with more runs list only those that failed or stopped, and at most this number."""


def exit_code(states: Sequence[RunState]) -> int:
    """Return 0 when all runs are finished, the code of the only run, or 1."""
    wrong = [state.state for state in states if state.state != "finished"]
    if wrong == ["diverged"] and len(states) == 1:
        return DivergedError.exit_code
    return VaerunError.exit_code if any(state in ("failed", "diverged") for state in wrong) else 0


def print_states(console: Console, states: Mapping[int, RunState], labels: Sequence[str]) -> None:
    """Print the state of each run and its error; of many, only those that failed or stopped."""
    shown = states
    if len(states) > _ALL_SHOWN:
        odd = [(n, s) for n, s in states.items() if s.state not in ("finished", WAITING)]
        shown = dict(odd[:_ALL_SHOWN])
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("run", justify="right", style="dim")
    for name in ("state", "settings", "time", "why"):
        table.add_column(name, overflow="fold")
    for number, state in shown.items():
        table.add_row(
            str(number),
            Text(state.state, _STYLES.get(state.state, "yellow")),
            Text(labels[number]),
            "" if state.seconds is None else duration(state.seconds),
            Text(state.error or _progress(state)),
        )
    console.print()
    if shown:
        console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    counts = Counter(state.state for state in states.values())
    counted = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    console.print(f"  {counted}\n", highlight=False)


def _progress(state: RunState) -> str:
    """Return the step that an unfinished run has reached."""
    if state.state == "finished" or not state.steps:
        return ""
    return f"at step {state.step:,} of {state.steps:,}"
