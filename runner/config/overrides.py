"""What overrides may say of a run, whoever gives them: a command line or a Python program."""

from __future__ import annotations

from collections.abc import Iterable

from runner.errors import UsageError

_NO_CHOICE = ("experiment=null", "debug=null", "sweep=null")
"""What conf/config.yaml says already, in overrides that Hydra does not take."""

_LAUNCHERS = ("hydra/launcher", "hydra/sweeper")
"""Hydra's launchers and sweepers, in place of which there are our own."""

_SEARCH_PATH = "hydra.searchpath"
_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", _SEARCH_PATH)
"""The settings of Hydra's own that are of use here."""


def refuse_code(overrides: Iterable[str]) -> None:
    """Refuse overrides that have Hydra import or execute something, or that set nothing here.

    Raises: UsageError naming the override.
    """
    for override in overrides:
        key, _, value = override.partition("=")
        name = key.lstrip("+~")
        if name in _LAUNCHERS:
            hint = "launcher=local, packed, slurm or ray; W&B's sweeps search by other methods"
            raise UsageError(f"'{name}' is not used here", hint)
        of_hydra = name.partition("@")[2] or name
        if of_hydra.split(".")[0].split("/")[0] == "hydra" and name not in _OF_HYDRA:
            hint = f"of Hydra's own settings there are {' and '.join(_OF_HYDRA[:2])}"
            raise UsageError(f"'{name}' is not used here", hint)
        if "_target_" in override or (name == _SEARCH_PATH and "pkg:" in value):
            raise UsageError(f"cannot read '{override}': a setting does not name code to execute")


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
