"""From the arguments of a command to the overrides that are composed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from runner.commands.arguments import Arguments
from runner.config.composition import search_path
from runner.errors import UsageError

_NO_CHOICE = ("experiment=null", "debug=null", "sweep=null")
"""What conf/config.yaml says already, in overrides that Hydra does not take."""


def searched(arguments: Arguments) -> list[str]:
    """Return ``--config-dir`` as the override that makes Hydra search these folders too.

    Raises: UsageError where there is no such folder.
    """
    folders = [Path(folder).resolve() for folder in arguments.texts("--config-dir") or []]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--config-dir: there is no folder '{folder}'")
    return [search_path(folders)] if folders else []


def print_notes(notes: tuple[str, ...]) -> None:
    """Print what may surprise on stderr, each once."""
    for note in dict.fromkeys(notes):
        sys.stderr.write(f"note: {note}\n")


def without_null_choices(overrides: Iterable[str]) -> list[str]:
    """Return overrides without those that choose nothing where nothing is chosen anyway."""
    return [override for override in overrides if override not in _NO_CHOICE]


def steps_or_epochs(overrides: list[str]) -> list[str]:
    """Let ``steps=`` on the command line win over epochs that an experiment sets.

    Raises: UsageError when both are given.
    """
    keys = {override.partition("=")[0].lstrip("+") for override in overrides}
    if "steps" not in keys:
        return overrides
    if "epochs" in keys:
        raise UsageError("give steps or epochs, not both")
    return [*overrides, "epochs=null"]
