"""``vaerun show`` of the folder of a grid: its runs, their states, and what is left to train."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.commands.list_runs import age
from runner.commands.shown_files import print_files
from runner.commands.stdout import print_json, product_console
from runner.comparison.chosen_settings import differing
from runner.comparison.overview import Overview, read_overviews
from runner.console.lines import one_line
from runner.grid.folder import GridFolder, RunState
from runner.report.run_list import list_json, list_table
from runner.store.find_runs import all_runs
from runner.store.sizes import sizes

_LABEL = 10


def show_grid(path: Path, *, as_json: bool) -> int:
    """Print what is in the folder of a grid on stdout, and return the exit code.

    Raises: DataError where its ``grid.json`` is corrupt; UsageError for a link out of it.
    """
    grid = GridFolder.open(path)
    states = [grid.state(number) for number in range(len(grid.runs))]
    started = [p for n in range(len(grid.runs)) if (p := grid.run_path(n)).is_dir()]
    runs = read_overviews(p for folder in started for p in all_runs(folder)[:1])
    readable = iter(differing([each.run for each in runs if each.run]))
    own = [next(readable) if each.run else {} for each in runs]
    if as_json:
        print_json({
            "kind": "grid",
            "path": path.as_posix(),
            "name": grid.name,
            "own": grid.is_own,
            "states": dict(Counter(state.state for state in states)),
            "resume": _outlook(grid, states),
            "overrides": [list(run) for run in grid.runs],
            "runs": list_json(runs, own),
            "bytes": sum(sizes(path).values()),
        })  # fmt: skip
        return 0
    console = product_console()
    _show(console, grid, states, runs)
    if runs:
        console.print()
        console.print(Padding(list_table(runs, own, age_text=age), (0, 0, 0, 2), expand=False))
    console.print()
    print_files(console, path)
    return 0


def _show(console: Console, grid: GridFolder, states: list[RunState], runs: list[Overview]) -> None:
    counts = Counter(state.state for state in states).most_common()
    rows = {
        "grid": str(grid.path),
        "name": grid.name or "-",
        "runs": f"{len(grid.runs):,}: {', '.join(f'{count:,} {name}' for name, count in counts)}",
        "yours": "yes" if grid.is_own else "no: it was written, or edited, by somebody else",
        "resume": _outlook(grid, states),
    }
    ages = [each.age for each in runs if each.age is not None]
    if ages:
        rows["written"] = f"{age(min(ages))} ago"
    for label, value in rows.items():
        line = Text.assemble((label.rjust(_LABEL), "dim"), f"  {one_line(value)}")
        console.print(line, soft_wrap=True)


def _outlook(grid: GridFolder, states: list[RunState]) -> str:
    """Return what resume would do with the grid."""
    left = [number for number, state in enumerate(states) if state.pending]
    running = [number for number in left if states[number].state == "running"]
    if not left:
        return "has nothing left to do"
    words = f"trains {len(left):,} runs: {_few(left)}" if len(left) > 1 else f"trains run {left[0]}"
    if running:
        words += f"; {_few(running)} is being trained by another process"
    return words if grid.is_own else f"{words}; without W&B unless --trust"


def _few(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    return shown if len(numbers) <= 10 else f"{shown} and {len(numbers) - 10:,} more"
