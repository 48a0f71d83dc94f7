"""``vaerun diff``: in what runs differ, and their results side by side."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.manual_of_runs import DIFF
from runner.commands.stdout import print_json, product_console
from runner.comparison.overview import overview
from runner.comparison.side_by_side import Row, figure_rows, origin_rows, setting_rows
from runner.errors import DataError, UsageError
from runner.report.run_figures import is_main
from runner.report.side_by_side import as_json, figures_table, run_labels, values_table
from runner.store.run_folder import RunFolder

_ALWAYS = ("elbo", "rate", "terms/")


def run(arguments: Arguments) -> int:
    """Print in what runs differ on stdout, and return the exit code.

    Raises: UsageError where fewer than two runs are named, or a folder is none; DataError where
        one is corrupt.
    """
    paths = _paths(arguments)
    found = [overview(path) for path in paths]
    for each in found:
        if each.run is None:
            raise DataError(each.error or f"'{each.path}' cannot be read")
    runs = [each.run for each in found if each.run is not None]
    names = dict.fromkeys(name for each in runs for name in each.metrics)
    main = [name for name in names if name.startswith(_ALWAYS) or is_main(name)]
    origins, settings, figures = origin_rows(found), setting_rows(runs), figure_rows(runs, main)
    if "--json" in arguments.flags:
        print_json(as_json(paths, origins, settings, figures))
        return 0
    console, labels = product_console(), run_labels(paths)
    console.print(values_table("run", origins, labels))
    complete = "--all" in arguments.flags
    _print_settings(console, settings, labels, complete=complete)
    shown = [row for row in figures if complete or not row.is_detail]
    if shown:
        console.print()
        console.print(figures_table(shown, labels))
        details = len(figures) - len(shown)
        _note(console, details, f"figure{'s' * (details != 1)} of details")
    return 0


def _paths(arguments: Arguments) -> list[Path]:
    for override in arguments.overrides:
        raise UsageError(f"diff takes run folders, not settings such as '{override}'")
    paths = [Path(name) for name in arguments.operands]
    if len(paths) < 2:
        raise UsageError("diff takes two runs or more", DIFF.usage[0])
    for path in paths:
        if (path / "grid.json").is_file():
            raise UsageError(f"'{path}' is a grid, not one run", f"vaerun compare {path}")
        RunFolder.open(path)  # raises where there is no run
    return paths


def _print_settings(
    console: Console, settings: list[Row], labels: list[str], *, complete: bool
) -> None:
    console.print()
    if not settings:
        console.print("the same settings")
        return
    shown = [row for row in settings if complete or not row.is_detail]
    if shown:
        console.print(values_table("setting", shown, labels))
    else:
        console.print("the same settings, but for what changes nothing in a model")
    hidden = len(settings) - len(shown)
    what = "settings that follow" if hidden != 1 else "setting that follows"
    _note(console, hidden, f"{what} from others or change nothing")


def _note(console: Console, count: int, what: str) -> None:
    if count:
        console.print(Text(f"and {count:,} {what}: --all shows them", "dim"), soft_wrap=True)
