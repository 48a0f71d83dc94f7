"""``--dry-run`` of a search: what is searched, what there is so far, how long the rest takes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping

from rich.text import Text

from runner.config import LauncherConfig
from runner.console.run_display import make_console
from runner.errors import VaerunError
from runner.grid.folder import GridFolder
from runner.grid.labels import labels_of
from runner.grid.launchers import workers_of
from runner.grid.progress import duration
from runner.grid.search.objective import Outcome, best, outcomes
from runner.grid.search.report import print_best, shown
from runner.grid.space import Parameter, Search
from runner.store.shown_text import escaped


def print_search_plan(
    grid: GridFolder, search: Search, launcher: LauncherConfig, device: str
) -> None:
    """Print a line per run on stdout: number, state, metric, settings; the plan on stderr."""
    found, labels = outcomes(grid, search), labels_of(grid)
    for number, each in found.items():
        row = (str(number), each.state.state, shown(each.value), labels[number])
        sys.stdout.write(escaped("\t".join(row)) + "\n")
    sys.stdout.flush()
    console = make_console()
    for line in _described(search):
        console.print(Text(line), highlight=False, soft_wrap=True)
    counts = Counter(each.state.state for each in found.values())
    counted = "".join(f", {count:,} {name}" for name, count in counts.most_common())
    left = max(0, search.trials - len(found)) + sum(o.state.pending for o in found.values())
    console.print(f"{search.trials:,} runs, {left:,} to train{counted}", highlight=False)
    if best(found, search):
        print_best(console, grid, search, found)
    if left:
        console.print(_estimate(found, left, launcher, device), highlight=False)


def _described(search: Search) -> list[str]:
    metric, early = search.metric, search.early_terminate
    lines = [f"search by method {search.method}, to {metric.goal} {metric.name}"]
    width = max(len(each.name) for each in search.searched)
    lines += [f"  {each.name:<{width}}  {_range(each)}" for each in search.searched]
    if early is not None:
        bands = ", ".join(map(str, early.bands[:4])) + (", …" if len(early.bands) > 4 else "")
        lines.append(f"  stops early after {bands} records unless among the best 1/{early.eta:g}")
    return lines


def _range(parameter: Parameter) -> str:
    if parameter.values:
        return "one of " + ", ".join(parameter.values)
    names = ("mu", "sigma", "a", "b", "q")
    given = [f"{n} {v:g}" for n in names if (v := getattr(parameter, n)) is not None]
    ends = [f"{parameter.min} to {parameter.max}"] if parameter.min is not None else []
    return " ".join([parameter.distribution, *ends, *given])


def _estimate(
    found: Mapping[int, Outcome], left: int, launcher: LauncherConfig, device: str
) -> str:
    seconds = [o.state.seconds for o in found.values() if o.state.settled and o.state.seconds]
    if not seconds:
        return "no estimate of the time before the first run has ended"
    try:
        workers = min(workers_of(launcher, device), left)
    except VaerunError as error:
        return f"no estimate of the time: {error.message}"
    each = sum(seconds) / len(seconds)
    beside = f", {workers} at a time" if workers > 1 else ""
    total = duration(each * left / workers)
    return f"about {duration(each)} each, as those so far took{beside}: {total} in all"
