"""``vaerun list runs``: the runs that there are, sorted and filtered."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from runner.commands.arguments import Arguments
from runner.commands.manual_of_runs import LIST_RUNS
from runner.commands.stdout import print_json, product_console
from runner.comparison.chosen_settings import differing
from runner.comparison.overview import Overview, read_overviews
from runner.comparison.run_columns import Condition, is_condition, ordered, passing
from runner.console.durations import duration
from runner.console.part_display import PartDisplay
from runner.console.run_display import make_console, print_note
from runner.errors import UsageError, nearest
from runner.report.run_list import list_csv, list_json, list_table
from runner.store.find_runs import all_runs

_DEFAULT = Path("outputs")
_NAMED = 5
"""More folders that cannot be read than these are counted and not named."""


def run(arguments: Arguments) -> int:
    """List the runs in some folders on stdout, and return the exit code.

    Raises: UsageError for a folder that is not there, or a name that no run has.
    """
    folders, conditions = _read(arguments)
    as_csv, as_json = "--csv" in arguments.flags, "--json" in arguments.flags
    if as_csv and as_json:
        raise UsageError("--csv and --json are two forms of the same list", LIST_RUNS.usage[0])
    console = make_console()
    with PartDisplay(console) as display, display.part("reading runs"):
        found = dict.fromkeys(path for folder in folders for path in all_runs(folder))
        every = read_overviews(found)
    chosen = passing(every, conditions) if every else []
    chosen = ordered(chosen, arguments.texts("--sort") or []) if chosen else []
    readable = iter(differing([each.run for each in chosen if each.run]))
    own = [next(readable) if each.run else {} for each in chosen]
    if as_json:
        print_json(list_json(chosen, own))
    elif as_csv:
        sys.stdout.write(list_csv(chosen, own))
    elif chosen:
        out = product_console()
        width = out.width if out.is_terminal else None
        out.print(list_table(chosen, own, age_text=age, width=width))
    _tell(console, folders, every, chosen)
    return 0


def age(seconds: float) -> str:
    """Return a time in its largest unit: 52 s, 3 min, 2 h, 3 d."""
    return " ".join(duration(seconds).split()[:2])


def _read(arguments: Arguments) -> tuple[list[Path], list[Condition]]:
    """Return the folders and the conditions, which may follow one another after ``--filter``."""
    given = arguments.texts("--filter") or []
    more = [*arguments.overrides, *(o for o in arguments.operands if _is_condition(o))]
    if more and not given:
        word = more[0]
        raise UsageError(f"list runs has no setting '{word}'", f"use --filter '{word}'")
    folders = [Path(name) for name in arguments.operands if not _is_condition(name)]
    for folder in folders or [_DEFAULT]:
        if not folder.is_dir():
            beside = sorted(path.name for path in Path().iterdir() if path.is_dir())
            hint = nearest(str(folder), beside)
            if not folders:
                hint = "vaerun list runs DIR names another folder"
            raise UsageError(f"there is no folder '{folder}'", hint)
    return folders or [_DEFAULT], [Condition.read(text) for text in (*given, *more)]


def _is_condition(operand: str) -> bool:
    return is_condition(operand) and not Path(operand).exists()


def _tell(
    console: Console, folders: list[Path], every: list[Overview], chosen: list[Overview]
) -> None:
    """Say on stderr what the list leaves out, and which folders cannot be read."""
    if not every:
        names = ", ".join(f"'{folder}'" for folder in folders)
        print_note(console, f"no runs in {names}")
    elif len(chosen) < len(every):
        print_note(console, f"{len(chosen):,} of {len(every):,} runs pass the filter")
    corrupt = [each for each in every if each.run is None]
    for each in corrupt[:_NAMED]:
        print_note(console, f"cannot be read: {each.error}")
    if len(corrupt) > _NAMED:
        print_note(console, f"{len(corrupt) - _NAMED:,} more runs cannot be read")
