"""From the arguments of a command to the overrides that are composed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from runner.commands.arguments import Arguments
from runner.config.composition import search_path
from runner.config.overrides import refuse_code, steps_or_epochs, without_null_choices
from runner.errors import UsageError
from runner.grid.sweep_file import OF_A_NAME, is_name

__all__ = [
    "check_grid_name",
    "print_notes",
    "refuse_code",
    "searched",
    "steps_or_epochs",
    "without_null_choices",
]


def searched(arguments: Arguments) -> list[str]:
    """Return ``--config-dir`` as the override that makes Hydra search these folders too.

    Raises: UsageError where there is no such folder.
    """
    folders = [Path(folder).resolve() for folder in arguments.texts("--config-dir") or []]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--config-dir: there is no folder '{folder}'")
    return [search_path(folders)] if folders else []


def check_grid_name(overrides: Iterable[str]) -> None:
    """Check the name of a grid, which is that of its folder and of its group on W&B.

    Raises: UsageError for a name with which the folder would be elsewhere.
    """
    for override in overrides:
        key, _, name = override.lstrip("+").partition("=")
        if key == "sweep_name" and name != "null" and not is_name(name):
            shown = name if name.isprintable() else repr(name)
            raise UsageError(f"sweep_name={shown}: {OF_A_NAME}")


def print_notes(notes: tuple[str, ...]) -> None:
    """Print what may surprise on stderr, each once."""
    for note in dict.fromkeys(notes):
        sys.stderr.write(f"note: {note}\n")
