"""``vaerun sweep=NAME`` and ``vaerun -m``: many runs, trained until each is finished or marked.

Started again, a grid skips what is finished and goes on with what is not; what fails stops nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import OmegaConf

from runner import config
from runner.commands.arguments import Words
from runner.commands.sweep_options import chosen, crossed, read_words
from runner.config import LauncherConfig
from runner.config.composition import compose, unused_weights
from runner.console.run_display import make_console
from runner.errors import UsageError, VaerunError
from runner.grid import (
    GridFolder,
    Job,
    Progress,
    exit_code,
    labels_of,
    launch,
    print_plan,
    print_states,
    require,
)
from runner.grid.sweep_file import Sweep


def sweep(words: Words) -> int:
    """Train the runs of a sweep file, or every combination of the values given.

    Prints the grid's folder on stdout and returns the exit code: 0 when every run is finished,
    1 when some are not, or that of the only run.

    Raises: VaerunError for a command line that cannot be carried out, or an interruption.
    """
    asked = read_words(words)
    launcher = config.launcher(asked.launcher, asked.of_launcher)
    grid = crossed(asked)
    common = [*asked.folder, *asked.places]
    device = _preflight(grid, common)
    runs = list(grid.runs())
    path = _folder([*next(iter(runs)), *common])
    if asked.dry:
        folder, indices = GridFolder.numbered(path, grid.name, runs)
        job = Job(path, chosen(asked.only, indices), tuple(asked.places))
        print_plan(folder, job, launcher, device)
        return 0
    _, indices = GridFolder.numbered(path, grid.name, runs)
    job = Job(path, chosen(asked.only, indices), tuple(asked.places))
    require(launcher)
    folder, _ = GridFolder.register(path, grid.name, runs)
    return _execute(folder, job, launcher, device)


def resume_grid(path: Path, words: list[str]) -> int:
    """Go on with a grid, whatever its sweep file has become; returns as :func:`sweep`.

    Raises: UsageError for a word that would make it another grid, and as :func:`sweep`.
    """
    asked = read_words(Words(words, ["-m"]))
    if others := [*asked.settings, *asked.folder] + ([asked.name] if asked.name else []):
        key = others[0].partition("=")[0]
        allowed = "only, launcher, launcher.*, device, data_dir, wandb.*"
        raise UsageError(f"resume of a grid cannot change '{key}'", f"it can change {allowed}")
    folder = GridFolder.open(path)
    device = next((w.partition("=")[2] for w in asked.places if w.startswith("device=")), "auto")
    indices = chosen(asked.only, range(len(folder.runs)))
    job = Job(path, indices, tuple(asked.places))
    launcher = config.launcher(asked.launcher, asked.of_launcher)
    require(launcher)
    return _execute(folder, job, launcher, device)


def _execute(folder: GridFolder, job: Job, launcher: LauncherConfig, device: str) -> int:
    """Train what is not settled, then say how every run is."""
    console = make_console()
    pending = tuple(number for number in job.indices if folder.pending(number))
    names = labels_of(folder)
    done = len(job.indices) - len(pending)
    console.print(f"[dim]{'grid':>12}[/]  {folder.path}", highlight=False, soft_wrap=True)
    console.print(
        f"[dim]{'runs':>12}[/]  {len(pending)} to train, {done} done with", highlight=False
    )
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


def _preflight(grid: Sweep, common: list[str]) -> str:
    """Refuse what no run can use, name weights that do nothing, and return the device asked for."""
    device = "auto"
    notes: dict[str, None] = {}  # in order, each once
    for block in grid.blocks:
        for words in block.each_value():
            composed = compose([*words, *common])
            device = config.parse(composed).device
            notes |= dict.fromkeys(unused_weights(composed, words))
    for note in notes:
        sys.stderr.write(f"note: {note}\n")
    return device


def _folder(words: list[str]) -> Path:
    """Return the folder that conf/config.yaml names for the grid."""
    composed = compose(words, hydra_too=True)
    return Path(str(OmegaConf.select(composed, "hydra.sweep.dir")))
