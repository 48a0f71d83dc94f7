"""``vaerun sweep=NAME`` of a sweep file with ``method: random`` or ``bayes``: a search.

The runs are those of a grid, in the same folders, but their settings are chosen one after the
other, by Optuna, from what the runs before them found.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import msgspec

from runner import config
from runner.commands.arguments import Arguments
from runner.commands.overrides import searched
from runner.commands.preflight import (
    given_place,
    preflight,
    require_here,
    require_own,
    require_places,
    use_plugins_of_grid,
)
from runner.commands.sweep_options import SweepOptions, named, values_of
from runner.config import LauncherConfig
from runner.config.composition import compose
from runner.console.lines import print_labelled
from runner.console.run_display import make_console
from runner.errors import UsageError, VaerunError, cannot_change
from runner.grid import GridFolder, Job, Progress, launch, require
from runner.grid.labels import LiveLabels
from runner.grid.search import (
    check_metric,
    exit_code,
    outcomes,
    print_search,
    require_optuna,
)
from runner.grid.search_figure import draw_search
from runner.grid.search_plan import print_search_plan
from runner.grid.space import Search
from runner.grid.space.reading import read_search
from runner.grid.sweep_file import OF_A_NAME, PLUGINS, Block, find, is_name, recorded
from runner.grid.sweep_parameters import method_of
from runner.grid.sweep_yaml import load


@dataclass(frozen=True)
class _Requested:
    """A search of a sweep file, as the command line asks for it."""

    search: Search
    name: str | None
    probes: Block
    """Values that between them stand for all that the search can choose."""


def is_search(options: SweepOptions) -> bool:
    """Return whether the sweep file of a command line describes a search, not a grid.

    Raises: UsageError when it cannot be read.
    """
    if options.name is None:
        return False
    path = find(options.name)
    document = load(path)
    return "blocks" not in document and method_of(path, document) != "grid"


def search(options: SweepOptions, arguments: Arguments) -> int:
    """Train the runs of a search, and return the exit code: 0, or 1 where a run failed.

    Prints the folder of the search on stdout.

    Raises: VaerunError for arguments that cannot be carried out, or an interruption.
    """
    _refuse_only(options)
    requested = _requested(options)
    launcher = config.launcher(options.launcher, options.of_launcher)
    common = [*options.folder, *options.places]
    configs = preflight([requested.probes], common)
    check_metric(requested.search, configs)
    path = compose([*next(requested.probes.runs()), *common]).grid_folder()
    folder = GridFolder.searching(path, requested.name, requested.search)
    device = configs[-1].device
    if "--dry-run" in arguments.flags:
        print_search_plan(folder, requested.search, launcher, device)
        return 0
    require_optuna()
    require(launcher)
    if _pending(folder, requested.search):
        require_here(launcher, configs)
    folder = GridFolder.register_search(path, requested.name, requested.search)
    return _execute(folder, requested.search, tuple(options.places), launcher, device)


def resume_search(folder: GridFolder, options: SweepOptions, arguments: Arguments) -> int:
    """Go on with a search, whatever its sweep file has become; returns as :func:`search`.

    Raises: UsageError for a setting that would make it another search, and as :func:`search`.
    """
    _refuse_only(options)
    found = folder.search
    if found is None:
        raise UsageError(f"'{folder.path}' is not the folder of a search")
    if others := [*options.settings, *options.folder, *([options.name] if options.name else [])]:
        raise _cannot_change(others[0])
    found = _with_trials(found, options.of_search)
    launcher = config.launcher(options.launcher, options.of_launcher)
    require_own(folder, arguments)
    use_plugins_of_grid(folder.runs)
    require_optuna()
    require(launcher)
    require_places(launcher, options.places)
    folder = GridFolder.register_search(folder.path, folder.name, found)
    places = (*searched(arguments), *options.places)
    device = given_place(options.places, "device", "auto")
    return _execute(folder, found, places, launcher, device)


def _requested(options: SweepOptions) -> _Requested:
    """Return the search of a sweep file, with some parameters replaced by given settings."""
    path = find(options.name or "")
    document = load(path)
    given = values_of(options.settings)
    name = str(document.get("name") or path.stem)
    if not is_name(name):
        raise UsageError(f"{path}: {OF_A_NAME}, got {name!r}")
    if any(each.startswith("search=") for each in options.of_search):
        raise UsageError("search is chosen by the sweep file: its method", "search.trials=30")
    settings = config.search(method_of(path, document), options.of_search)
    found = read_search(path, document, given, settings)
    if plugins := next((each.values for each in found.parameters if each.name == PLUGINS), ()):
        given = {**given, PLUGINS: recorded(plugins)}
        found = read_search(path, document, given, settings)
    values = {each.name: each.probes() for each in found.parameters}
    block = Block(values, file=path, replaced_keys=frozenset(given))
    return _Requested(found, named(options, name), block)


def _with_trials(found: Search, overrides: list[str]) -> Search:
    """Return a search with another number of runs, the only thing that can be changed."""
    if others := [each for each in overrides if each.partition("=")[0] != "search.trials"]:
        raise _cannot_change(others[0])
    trials = config.search(found.method, overrides).trials
    return found if trials is None else msgspec.structs.replace(found, trials=trials)


def _cannot_change(override: str) -> UsageError:
    allowed = ("search.trials", "launcher", "launcher.*", "device", "data_dir", "wandb.*")
    return cannot_change("resume of a search", override.partition("=")[0], allowed)


def _refuse_only(options: SweepOptions) -> None:
    if options.only is not None:
        message = f"only={options.only} is for grids: a search chooses its runs as it goes"
        raise UsageError(message, "vaerun resume DIR/3 goes on with one run")


def _pending(folder: GridFolder, found: Search) -> list[int]:
    """Return the runs that are still to be trained, new ones included."""
    runs = len(folder.runs)
    return [n for n in range(found.trials) if n >= runs or folder.state(n).pending]


def _execute(
    folder: GridFolder,
    found: Search,
    places: tuple[str, ...],
    launcher: LauncherConfig,
    device: str,
) -> int:
    """Train what is not settled, then say which runs are the best."""
    console = make_console()
    pending = _pending(folder, found)
    for number in pending[: len(folder.runs)]:
        if number < len(folder.runs):
            folder.pending(number)  # what failed is tried again
    print_labelled(console, "search", str(folder.path))
    done = found.trials - len(pending)
    print_labelled(console, "runs", f"{len(pending)} to train, {done} done with")
    stopped: VaerunError | None = None
    if pending:
        job = Job(folder.path, tuple(pending), places)
        try:
            with Progress(console, LiveLabels(folder.path), len(pending)) as progress:
                launch(job, launcher, device, progress)
        except VaerunError as error:
            stopped = error
    folder = GridFolder.open(folder.path)
    results: dict[int, Any] = outcomes(folder, found)
    print_search(console, folder, found, results)
    if (picture := draw_search(folder, found, results)) is not None:
        print_labelled(console, "figure", str(picture))
    sys.stdout.write(f"{folder.path}\n")
    if stopped is not None:
        raise stopped
    return exit_code(results)
