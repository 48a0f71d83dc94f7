"""``vaerun sweep=NAME`` and ``vaerun -m``: many runs, trained until each is finished or marked.

Started again, a grid skips what is finished and goes on with what is not; what fails stops nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from runner import config
from runner.commands.arguments import Arguments
from runner.commands.overrides import searched, steps_or_epochs
from runner.commands.preflight import (
    given_place,
    preflight,
    require_here,
    require_own,
    require_places,
    use_plugins_of_grid,
)
from runner.commands.search import is_search, resume_search, search
from runner.commands.sweep_options import requested_sweep, selected, sort_options
from runner.config import LauncherConfig
from runner.config.composition import compose
from runner.console.lines import print_labelled
from runner.console.run_display import make_console, print_note
from runner.errors import UsageError, VaerunError, cannot_change
from runner.grid import (
    GridFolder,
    Job,
    Progress,
    exit_code,
    labels_of,
    launch,
    lengthened,
    print_plan,
    print_states,
    require,
)

_CHANGEABLE = (
    "steps", "epochs", "only", "launcher", "launcher.*", "device", "data_dir", "wandb.*",
    "tracking.*",
)  # fmt: skip


def sweep(arguments: Arguments, overrides: list[str]) -> int:
    """Train the runs of a sweep file, or every combination of the values given.

    Prints the grid's folder on stdout and returns the exit code: 0 when every run is finished,
    1 when some are not, or that of the only run.

    Raises: VaerunError for arguments that cannot be carried out, or an interruption.
    """
    options = sort_options(overrides)
    if options.name is None and "--multirun" not in arguments.flags:
        raise UsageError("only, launcher and --dry-run are for grids", "sweep=NAME, or -m KEY=A,B")
    if is_search(options):
        return search(options, arguments)
    launcher = config.launcher(options.launcher, options.of_launcher)
    grid = requested_sweep(options)
    common = [*options.folder, *options.places]
    configs = preflight(grid.blocks, common)
    device = configs[-1].device
    runs = list(grid.runs())
    path = compose([*next(iter(runs)), *common]).grid_folder()
    folder, indices = GridFolder.numbered(path, grid.name, runs)
    job = Job(path, selected(options.only, indices), tuple(options.places))
    if "--dry-run" in arguments.flags:
        print_plan(folder, job, launcher, device)
        return 0
    require(launcher)
    if any(folder.state(number).pending for number in job.indices):
        require_here(launcher, configs)
    folder, _ = GridFolder.register(path, grid.name, runs)
    return _execute(folder, job, launcher, device)


def resume_grid(path: Path, arguments: Arguments) -> int:
    """Go on with a grid, whatever its sweep file has become; returns as :func:`sweep`.

    Raises: UsageError for a setting that would make it another grid, and as :func:`sweep`.
    """
    options = sort_options(arguments.overrides)
    folder = GridFolder.open(path)
    if folder.search is not None:
        return resume_search(folder, options, arguments)
    length = [o for o in options.settings if o.partition("=")[0] in config.LENGTH]
    named = [options.name] if options.name else []
    others = [o for o in options.settings if o not in length]
    if others := [*others, *options.folder, *options.of_search, *named]:
        raise cannot_change("resume of a grid", others[0].partition("=")[0], _CHANGEABLE)
    require_own(folder, arguments)
    use_plugins_of_grid(folder.runs)
    device = given_place(options.places, "device", "auto")
    indices = selected(options.only, range(len(folder.runs)))
    job = Job(path, indices, (*searched(arguments), *options.places))
    launcher = config.launcher(options.launcher, options.of_launcher)
    require(launcher)
    require_places(launcher, options.places)
    if length:
        longer = lengthened(folder, indices, steps_or_epochs(length))
        _name_those_that_stay(folder, longer, indices)
        folder = longer
    return _execute(folder, job, launcher, device)


def _name_those_that_stay(before: GridFolder, after: GridFolder, indices: Sequence[int]) -> None:
    """Print which runs are not given another length."""
    stay = [str(n) for n in indices if before.runs[n] == after.runs[n]]
    if stay and len(stay) < len(indices):
        print_note(make_console(), f"these runs stay as they are: {', '.join(stay)}")


def _execute(folder: GridFolder, job: Job, launcher: LauncherConfig, device: str) -> int:
    """Train what is not settled, then say how every run is."""
    console = make_console()
    pending = tuple(number for number in job.indices if folder.pending(number))
    names = labels_of(folder)
    done = len(job.indices) - len(pending)
    print_labelled(console, "grid", str(folder.path))
    print_labelled(console, "runs", f"{len(pending)} to train, {done} done with")
    stopped: VaerunError | None = None
    if pending:
        try:
            with Progress(console, names, len(pending)) as progress:
                launch(Job(job.path, pending, job.places), launcher, device, progress)
        except VaerunError as error:
            stopped = error
    states = {number: folder.state(number) for number in job.indices}
    print_states(console, states, names)
    sys.stdout.write(f"{folder.path}\n")
    if stopped is not None:
        raise stopped
    return exit_code(list(states.values()))
