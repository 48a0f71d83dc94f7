"""``--dry-run``: the runs that a grid would train, and an estimate of the time."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from runner.config import LauncherConfig, LocalLauncherConfig, last_step
from runner.config.composition import compose_run
from runner.console.run_display import make_console
from runner.errors import VaerunError
from runner.grid.folder import GridFolder
from runner.grid.job import Job
from runner.grid.kinds import partition
from runner.grid.labels import labels_of
from runner.grid.launchers import launch, pack_of, workers_of
from runner.grid.progress import Progress, duration
from runner.store.run_folder import RunFolder
from runner.store.shown_text import escaped

_TIMED_STEPS = 100


def print_plan(grid: GridFolder, job: Job, launcher: LauncherConfig, device: str) -> None:
    """Print a line per run on stdout, number, state and settings, and an estimate on stderr.

    The estimate comes from finished runs of the grid, else from a short run of its first settings.
    """
    names = labels_of(grid)
    states = [(number, grid.state(number)) for number in job.indices]
    for number, state in states:
        sys.stdout.write(escaped(f"{number}\t{state.state}\t{names[number]}\n"))
    sys.stdout.flush()
    console = make_console()
    pending = [number for number, state in states if state.pending]
    console.print(f"{len(job.indices):,} runs, {len(pending):,} to train", highlight=False)
    if not pending:
        return
    _print_packs(console, grid, replace(job, indices=tuple(pending)), launcher, device)
    seconds = [s.seconds for _, s in states if s.state == "finished" and s.seconds]
    how = f"as {len(seconds):,} finished ones took"
    try:
        if not seconds:
            seconds, how = (
                [_timed(grid, pending[0], job, console)],
                f"as a short run of {pending[0]} says",
            )
        workers = min(workers_of(launcher, device), len(pending))
    except VaerunError as error:
        console.print(f"no estimate of the time: {error.message}", highlight=False)
        return
    each = sum(seconds) / len(seconds)
    total = duration(each * len(pending) / workers)
    beside = f", {workers} at a time" if workers > 1 else ""
    console.print(f"about {duration(each)} each, {how}{beside}: {total} in all", highlight=False)


def _print_packs(
    console: Console, grid: GridFolder, job: Job, launcher: LauncherConfig, device: str
) -> None:
    """Say which runs would train together, if any may."""
    try:
        most = pack_of(launcher, job, device)
    except VaerunError:  # how many share the runs is not known yet
        return
    if most == 1:
        return
    sizes = Counter(len(pack) for pack in partition(grid, job.indices, most))
    alone = sizes.pop(1, 0)
    packs = [f"{count:,} of {size} runs" for size, count in sorted(sizes.items(), reverse=True)]
    text = f"{', '.join(packs) or 'none'}; runs that train alone: {alone:,}"
    console.print(f"packs that train together: {text}", highlight=False, soft_wrap=True)


def _timed(grid: GridFolder, number: int, job: Job, console: Console) -> float:
    """Return the estimated seconds of a run, from a short run that is trained and evaluated.

    Raises: VaerunError when the short run fails.
    """
    overrides = grid.runs[number]
    config = compose_run([*overrides, *job.places])
    timed = _TIMED_STEPS if config.epochs else min(_TIMED_STEPS, config.steps)
    console.print(f"timing {timed} steps of run {number}; Ctrl-C does without")
    short = [*overrides, f"steps={timed}", "epochs=null", "wandb.mode=disabled"]
    last = {override.partition("=")[0]: override for override in short}  # the last one wins
    with tempfile.TemporaryDirectory() as place:
        one, _ = GridFolder.register(Path(place) / "timed", None, [tuple(last.values())])
        local = LocalLauncherConfig("local", processes=None, threads=None, pack=1)
        with Progress(Console(quiet=True), [""], 1) as quiet:
            launch(Job(one.path, (0,), job.places), local, config.device, quiet)
        state, status = one.state(0), RunFolder(one.run_path(0)).read_status()
    if state.state != "finished" or not state.seconds:
        raise VaerunError(state.error or state.state)
    steps = last_step(config, status["train_images"])
    per_step = config.batch_size / status["images_per_second"]
    return state.seconds + max(0, steps - timed) * per_step
