"""``vaerun compare``: many runs side by side, in the terminal and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.compare_files import Request, refuse_places, write
from runner.commands.compare_plugins import use_plugins_of_runs
from runner.commands.compare_view import save_view, view_of
from runner.commands.manual import COMPARE
from runner.comparison.baseline import Baselines, choose_baselines, differences
from runner.comparison.configurations import Comparison, compare_runs
from runner.comparison.names import short_names
from runner.comparison.runs import read_runs
from runner.comparison.statistics import CONFIDENCE, LEAST_PAIRS, Difference
from runner.console.part_display import PartDisplay
from runner.console.run_display import make_console
from runner.console.safe_console import SafeConsole
from runner.console.stopping import stopping
from runner.errors import UsageError
from runner.metric.quantities import quantity
from runner.report.quantity_list import print_quantities
from runner.report.table import comparison_table
from runner.store.comparison_file import refuse_links

if TYPE_CHECKING:
    pass

_UNBOUNDED = 100_000
"""Columns of a pipe, in which nothing is cut."""

_NAMED = 5
"""More runs of one state than these are counted and not named."""


def run(arguments: Arguments) -> int:
    """Print the finished runs beneath some folders side by side, and write it all into files.

    The table goes to stdout, everything else to stderr. Returns the exit code.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    request = Request(_folders(arguments), arguments)
    refuse_places(request)
    with stopping("the comparison starts again with the same command"):
        return _compare(request, arguments)


def _compare(request: Request, arguments: Arguments) -> int:
    console = make_console()
    with PartDisplay(console) as display, display.part("reading runs"):
        runs = read_runs(request.paths)
    metrics = arguments.texts("--metric")
    if metrics == ["list"]:
        available = compare_runs(runs, None, ["all"]).metrics
        print_quantities(available, SafeConsole(highlight=False))
        return 0
    refuse_links(request.folder, request.root)
    comparison = compare_runs(runs, arguments.texts("--by"), metrics)
    baselines = choose_baselines(comparison, arguments.text("--against"))
    found = differences(comparison, baselines)
    view = (
        view_of(comparison, trusted="--trust" in arguments.flags)
        if "--wandb" in arguments.flags
        else None
    )
    if "--no-figures" not in arguments.flags:
        for note in use_plugins_of_runs(runs, trusted="--trust" in arguments.flags):
            _note(console, note)
    _tell(console, comparison)
    _show(console, comparison, found, baselines)
    written = write(console, comparison, request, found)
    _note(console, f"written: {', '.join(str(path) for path in written)}")
    if view is not None:
        _note(console, f"W&B: {save_view(comparison, view)}")
    return 0


def _folders(arguments: Arguments) -> list[Path]:
    for override in arguments.overrides:
        message = f"compare takes folders, not settings such as '{override}'"
        raise UsageError(message, COMPARE.usage[0])
    if not arguments.operands:
        raise UsageError("compare takes folders of runs", COMPARE.usage[0])
    return [Path(name) for name in arguments.operands]


def _tell(console: Console, comparison: Comparison) -> None:
    """Print which runs are excluded, which scores differ in settings, and what is pooled."""
    for state in dict.fromkeys(run.state for run in comparison.excluded):
        runs = [run for run in comparison.excluded if run.state == state]
        if len(runs) > _NAMED:
            _note(console, f"excluded: {len(runs)} runs that are {state}")
            continue
        for run in runs:
            _note(console, f"excluded, {state}: {run.path}{f' ({run.error})' if run.error else ''}")
    if comparison.duplicates:
        count, first = len(comparison.duplicates), comparison.duplicates[0].path
        others = f" and {count - 1} more" if count > 1 else ""
        reason = "a later run has the same settings and seed, and counts instead"
        _note(console, f"excluded: {first}{others}: {reason}")
    _tell_old(console, comparison)
    mixed = [metric for metric in comparison.metrics if _is_mixed(comparison, metric)]
    if mixed:
        names = ", ".join(quantity(metric).short for metric in mixed)
        advice = "vaerun evaluate scores them again"
        _note(console, f"{names}: computed with different settings in some runs; {advice}")
    warned = [run for run in comparison.runs if run.warnings]
    if warned:
        first, count = warned[0].path, len(warned)
        words = f"{first} has an estimate" if count == 1 else f"{count} runs have estimates"
        _note(console, f"{words} that cannot be true: vaerun show {first} says why")
    if comparison.pooled:
        names = ", ".join(short_names(comparison.pooled).values())
        _note(
            console, f"runs of one configuration differ in {names} too, and ± is over all of them"
        )


def _tell_old(console: Console, comparison: Comparison) -> None:
    """Say which version wrote runs that do not tell which of their settings follow from others."""
    old = [run for run in comparison.runs if run.origin is None]
    if not old:
        return
    versions = " and ".join(sorted({f"vaerun {run.version}" for run in old if run.version}))
    written = f"were written by {versions or 'another version'} without config_unresolved.yaml"
    _note(console, f"{len(old)} of the runs {written}: they are compared by every setting")


def _is_mixed(comparison: Comparison, metric: str) -> bool:
    """Return whether a score has other settings in some of the runs that have it."""
    found = (run.conditions.get(metric) for run in comparison.runs if metric in run.metrics)
    return len(set(found)) > 1


def _show(
    console: Console,
    comparison: Comparison,
    found: Sequence[Difference],
    baselines: Baselines,
) -> None:
    """Print the table on stdout."""
    out = SafeConsole(markup=False, highlight=False)
    if not out.is_terminal:
        out.width = _UNBOUNDED
    width = out.width if out.is_terminal else None
    ascii_only = out.options.ascii_only
    shown = comparison_table(comparison, found, baselines, width=width, ascii_only=ascii_only)
    out.print(shown.table)
    for line in _legend(comparison, found):
        out.print(Text(line, "dim"), soft_wrap=True)
    if shown.dropped:
        names = ", ".join(quantity(metric).short for metric in shown.dropped)
        _note(console, f"no room for {names}: configurations.csv has them, --metric chooses")


def _legend(comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    """Yield the lines below the table, which explain its numbers."""
    several = any(len(configuration.runs) > 1 for configuration in comparison.configurations)
    over = "the runs of a configuration" if comparison.pooled else "seeds"
    figures = f"mean ± standard deviation over {over}" if several else "one run each"
    if any(run.errors for run in comparison.runs):
        figures += ", ± the standard error of a single run" if several else ", ± its standard error"
    yield f"{figures}; ELBO, rate and terms in nats"
    main = [each for each in found if each.metric == comparison.metrics[0]]
    with_interval = [each for each in main if each.low is not None]
    if main and not with_interval:
        yield f"differences from the baseline, seed by seed; an interval needs {LEAST_PAIRS} seeds"
    elif main:
        count, clear = len(with_interval), sum(each.excludes_zero for each in with_interval)
        by_chance = (1 - CONFIDENCE) * count
        yield (
            f"differences from the baseline, seed by seed, [95 % interval]; "
            f"* {clear} of {count} intervals exclude 0, as {by_chance:.2g} would "
            "by chance if nothing differed"
        )


def _note(console: Console, words: str) -> None:
    console.print(Text(" ".join(words.split()), "dim"), soft_wrap=True, highlight=False)
