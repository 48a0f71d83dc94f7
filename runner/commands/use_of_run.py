"""What the commands that use a trained model read from their arguments alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.commands.arguments import Arguments, Command
from runner.errors import UsageError, nearest

PLACES = ("data_dir", "dataset.path", "dataset.factors")
"""Settings that say where the data of a run are now."""

GOES_ON = "nothing was written"
"""What is said of a command that is stopped."""


def operands(arguments: Arguments, command: Command, count: int) -> list[str]:
    """Return the arguments that are no settings.

    Raises: UsageError when there are more or fewer than ``count``.
    """
    if len(arguments.operands) != count:
        usage = "; or ".join(command.usage)
        wanted = "a run folder" if count == 1 else "a run folder, and images or a split"
        raise UsageError(f"{command.name} takes {wanted}", usage)
    return arguments.operands


def output(arguments: Arguments, command: Command) -> Path:
    """Return where the result goes.

    Raises: UsageError when it is not said.
    """
    text = arguments.text("--out")
    if text is None:
        raise UsageError(f"{command.name} needs -o, where the result goes", command.usage[0])
    return Path(text)


def settings_of(arguments: Arguments, command: Command, allowed: Sequence[str]) -> dict[str, str]:
    """Return the settings that are given, by their names.

    Raises: UsageError for one that the command does not take.
    """
    found: dict[str, str] = {}
    for override in arguments.overrides:
        key, _, value = override.partition("=")
        if key not in allowed:
            hint = nearest(key, allowed) or f"it takes {', '.join(f'{name}=' for name in allowed)}"
            raise UsageError(f"{command.name} has no setting '{key}'", hint)
        found[key] = value
    return found


def whole_number(text: str, name: str, least: int) -> int:
    """Return a number that was given as text.

    Raises: UsageError when it is none, or below ``least``.
    """
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least or len(text) > 18:
        raise UsageError(f"{name} must be a whole number from {least} on, got '{text}'")
    return number
