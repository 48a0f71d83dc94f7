"""From the arguments of a command to the overrides that are composed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from runner.commands.arguments import Arguments
from runner.config.composition import search_path
from runner.errors import UsageError
from runner.grid.sweep_file import OF_A_NAME, is_name

_NO_CHOICE = ("experiment=null", "debug=null", "sweep=null")
"""What conf/config.yaml says already, in overrides that Hydra does not take."""

_LAUNCHERS = ("hydra/launcher", "hydra/sweeper")
"""Hydra's launchers and sweepers, in place of which there are our own."""

_SEARCH_PATH = "hydra.searchpath"
_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", _SEARCH_PATH)
"""The settings of Hydra's own that are of use here."""


def searched(arguments: Arguments) -> list[str]:
    """Return ``--config-dir`` as the override that makes Hydra search these folders too.

    Raises: UsageError where there is no such folder.
    """
    folders = [Path(folder).resolve() for folder in arguments.texts("--config-dir") or []]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--config-dir: there is no folder '{folder}'")
    return [search_path(folders)] if folders else []


def refuse_code(overrides: Iterable[str]) -> None:
    """Refuse overrides that have Hydra import or execute something, or that set nothing here.

    Raises: UsageError naming the override.
    """
    for override in overrides:
        key, _, value = override.partition("=")
        name = key.lstrip("+~")
        if name in _LAUNCHERS:
            hint = "launcher=local, slurm or ray; W&B's sweeps search by other methods than grid"
            raise UsageError(f"'{name}' is not used here", hint)
        of_hydra = name.partition("@")[2] or name
        if of_hydra.split(".")[0].split("/")[0] == "hydra" and name not in _OF_HYDRA:
            hint = f"of Hydra's own settings there are {' and '.join(_OF_HYDRA[:2])}"
            raise UsageError(f"'{name}' is not used here", hint)
        if "_target_" in override or (name == _SEARCH_PATH and "pkg:" in value):
            raise UsageError(f"cannot read '{override}': a setting does not name code to execute")


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


def without_null_choices(overrides: Iterable[str]) -> list[str]:
    """Return overrides without those that choose nothing where nothing is chosen anyway."""
    return [override for override in overrides if override not in _NO_CHOICE]


def steps_or_epochs(overrides: list[str]) -> list[str]:
    """Let ``steps=`` on the command line win over epochs that an experiment sets.

    Raises: UsageError when both are given.
    """
    plain = [override.lstrip("+") for override in overrides]
    keys = {override.partition("=")[0] for override in plain if override != "epochs=null"}
    if "steps" not in keys:
        return overrides
    if "epochs" in keys:
        raise UsageError("give steps or epochs, not both")
    return [*overrides, "epochs=null"]
