"""Training of one run, from its settings to its folder: read this module first.

Files, the clock and W&B are used in this package; the packages that it imports for training and
evaluation only compute.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from runner.config import LENGTH, RunConfig, goes_on, no_further
from runner.console.run_display import make_console, print_note
from runner.console.signals import Interrupt
from runner.errors import UsageError, cannot_change
from runner.runs.clock import Clock
from runner.runs.compile_choice import choose_compile
from runner.runs.fit import make_steps, shown_path
from runner.runs.preparation import GoesOn, prepared
from runner.runs.saved import SavedRun
from runner.runs.story import Ready, story_of
from runner.store.lock import LockedError, is_locked
from runner.store.run_folder import RunFolder
from runner.store.writable import require_writable

_RESUMABLE_SECTIONS = (
    "wandb.", "tracking.", "evaluation.", "figures.", "training.stop_early.",
)  # fmt: skip
_RESUMABLE = (
    "steps", "epochs", "device", "data_dir", "plugins", "dataset.path", "dataset.factors",
    "dataset.changed", "training.checkpoint_minutes",
)  # fmt: skip


def start(
    config: RunConfig,
    path: Path,
    unresolved: str | None = None,
    console: Console | None = None,
    goes_on: GoesOn | None = None,
) -> None:
    """Train and evaluate a new run in the folder ``path``.

    Args:
        config: the settings, resolved.
        path: the folder, which is created if it does not exist.
        unresolved: the text of ``config_unresolved.yaml``, or None to write no such file.
        console: where progress is shown; None: on stderr, and the folder's path on stdout at the
            end, for other programs.
        goes_on: says of each record whether training goes on; None: it always does.

    Raises: VaerunError; PrunedRun where ``goes_on`` has ended the run. What is refused before the
        first step leaves no folder; of what fails later, ``status.json`` has the message.
    """
    carry_out(ready_to_start(config, path, unresolved, console, goes_on))
    if console is None:
        _print_path(path)


def ready_to_start(
    config: RunConfig,
    path: Path,
    unresolved: str | None = None,
    console: Console | None = None,
    goes_on: GoesOn | None = None,
) -> Ready:
    """Return a new run, of which nothing is written yet; see :func:`start`."""
    clock = Clock()
    require_writable(path, "choose another folder with out=…")
    run = replace(prepared(config, RunFolder(path), console=console), goes_on=goes_on)
    return Ready(run, clock, unresolved)


def resume(
    path: Path, overrides: list[str], *, trusted: bool = False, goes_on: GoesOn | None = None
) -> None:
    """Continue the run of a folder from its last checkpoint.

    ``trusted``: whether a stranger's run goes on where its folder says; ``goes_on`` as of
    :func:`start`.

    Raises: UsageError when the folder holds no run, nothing is left to do, a setting cannot be
        overridden, or another process works in the folder; DataError when the checkpoint is
        missing or corrupt; otherwise as :func:`start`. What is refused changes nothing.
    """
    carry_out(ready_to_resume(path, overrides, trusted=trusted, goes_on=goes_on))
    _print_path(path)


def ready_to_resume(
    path: Path, overrides: list[str], *, trusted: bool = False, goes_on: GoesOn | None = None
) -> Ready:
    """Return the run of a folder, in which nothing is changed yet; see :func:`resume`."""
    clock = Clock()
    _check_overrides(overrides)
    if is_locked(path):
        raise LockedError(path)
    saved = SavedRun.read(path, overrides, trusted=trusted)
    _check_steps(saved, overrides)
    if saved.note:
        print_note(make_console(), f"'{path}' is {saved.note}")
    run = replace(prepared(saved.config, saved.folder, saved), goes_on=goes_on)
    return Ready(run, clock, saved=saved)


def carry_out(ready: Ready) -> None:
    """Train and evaluate a run alone.

    Raises: as :func:`start`.
    """
    ready = replace(ready, run=choose_compile(ready.run))
    with Interrupt(ready.run.console) as interrupt:
        story = story_of(ready, interrupt)
        if (watch := next(story)) is not None:
            make_steps(ready.run, watch, story)
        next(story, None)


def _check_overrides(overrides: list[str]) -> None:
    for override in overrides:
        key = override.partition("=")[0]
        if key not in _RESUMABLE and not key.startswith(_RESUMABLE_SECTIONS):
            sections = [f"{section}*" for section in _RESUMABLE_SECTIONS]
            raise cannot_change("resume", key, [*_RESUMABLE, *sections])


def _check_steps(saved: SavedRun, overrides: list[str]) -> None:
    step, config = saved.step, saved.config
    if saved.folder.read_status().get("state") == "finished" and not overrides:
        early = ", where it stopped early" if saved.is_stopped else ""
        raise UsageError(
            f"'{saved.folder.path}' is finished, at step {step}{early}",
            f"steps=N{'' if early else ' with a larger N'} trains it further"
            if goes_on(config)
            else no_further(config),
        )
    asked = [override for override in overrides if override.partition("=")[0] in LENGTH]
    if asked and saved.checkpoint is not None and not goes_on(config):
        why = "it is fitted at once, or divides its steps among its parts"
        hint = f"a new run with {asked[0]} has another length"
        raise UsageError(f"{no_further(config)}: {why}", hint)
    if config.epochs is None and config.steps < step:
        raise UsageError(f"steps={config.steps} lies before step {step}, where the run stands")


def _print_path(path: Path) -> None:
    sys.stdout.write(f"{shown_path(path)}\n")  # the only output on stdout, for other programs
