"""The reading of command lines: one reader for all commands, built on argparse."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from runner.errors import UsageError, nearest

COMMANDS = (
    "resume", "evaluate", "compare", "show", "diff", "encode", "sample", "traverse", "export",
    "list", "delete", "fetch", "sync",
)  # fmt: skip
"""What the first argument may be beside a setting or an option."""


@dataclass(frozen=True)
class Option:
    """An option of a command, such as ``--by KEY,KEY``."""

    name: str
    help: str
    value: str | None = None
    """What its value is called in help; None: it is a switch."""
    is_list: bool = False
    """Whether the value is a list, of several by commas or by giving the option again."""
    by_commas: bool = True
    """Of a list: whether commas separate its values, or belong to them."""
    takes_dash: bool = False
    """Whether a value may begin with a dash, as in ``--sort -elbo``."""
    short: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """The values that it takes; empty: any."""
    default: str | None = None
    """The value where the option is given without one; None: it needs one."""
    refused: str | None = None
    """An option of Hydra's that has no use here: what to use instead."""


@dataclass(frozen=True)
class Command:
    """What a command accepts, for reading its arguments, for its help and for completion."""

    name: str
    usage: tuple[str, ...]
    summary: str
    options: tuple[Option, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    """(``key=VALUE``, what it means) of the settings that its help names."""
    examples: tuple[tuple[str, str], ...] = ()
    """(command line, what it does)."""
    takes: str | None = None
    """What its arguments without ``=`` are; None: it takes none."""
    offers: Callable[[], Iterable[str]] = field(default=tuple)
    """Returns what completion offers for such arguments."""

    @property
    def help_hint(self) -> str:
        """Where the command is explained."""
        return f"vaerun {self.name} --help" if self.name else "vaerun --help"


@dataclass(frozen=True)
class Arguments:
    """A command line, read."""

    overrides: list[str]
    """Settings, such as ``beta=4``, in the order given."""
    flags: Mapping[str, Any]
    """Options that were given, by their long names: True, a text, or a list of texts."""
    operands: list[str]
    """Arguments that are neither: folders, names."""
    given: tuple[str, ...] = ()
    """All as it was given."""

    def text(self, option: str) -> str | None:
        """Return the value of an option, or None where it is not given."""
        value = self.flags.get(option)
        return None if value is None else str(value)

    def texts(self, option: str) -> list[str] | None:
        """Return the values of an option that is a list, or None where it is not given."""
        value = self.flags.get(option)
        return None if value is None else list(value)


def read(command: Command, arguments: Sequence[str]) -> Arguments:
    """Return the arguments of a command, in whatever order they come.

    Raises: UsageError for an option that the command lacks, or a value that an option cannot have.
    """
    joined = _with_dashes(command, arguments)
    after = [*joined[1:], ""]
    complete = [_with_default(command, *pair) for pair in zip(joined, after, strict=False)]
    try:
        options, rest = _parser(command).parse_known_args(complete)
    except argparse.ArgumentError as error:
        name = (error.argument_name or "").split("/")[0]
        if "explicit argument" in error.message:
            raise UsageError(f"{name} takes no value", command.help_hint) from error
        (option,) = (option for option in command.options if name in (option.name, *option.short))
        raise _without_value(command, option) from error
    given = vars(options)
    flags = {
        option.name: _value(command, option, given[option.name]) if option.value else True
        for option in command.options
        if given[option.name]
    }
    found = Arguments([], flags, [], tuple(arguments))
    for argument in rest:
        if argument.startswith("-"):
            raise _unknown_option(command, argument)
        if not _is_override(command, argument):
            found.operands.append(argument)
            continue
        _refuse_option_as_setting(command, argument)
        found.overrides.append(argument)
    return found


def _refuse_option_as_setting(command: Command, argument: str) -> None:
    """Refuse ``out=DIR`` where the command has an option ``--out DIR``."""
    key, _, value = argument.partition("=")
    for option in command.options:
        if option.name == f"--{key}" and not option.refused:
            written = f"{option.name} {shlex.quote(value)}" if option.value else option.name
            raise UsageError(f"{command.name or 'vaerun'} has no setting '{key}'", f"use {written}")


def _with_dashes(command: Command, arguments: Sequence[str]) -> list[str]:
    """Write a value that begins with a dash so that it is none: ``--sort=-elbo``."""
    taking = {name for o in command.options if o.takes_dash for name in (o.name, *o.short)}
    joined: list[str] = []
    for argument in arguments:
        is_value = joined and joined[-1] in taking and re.match(r"-[^-]", argument)
        if is_value:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _with_default(command: Command, argument: str, after: str) -> str:
    """Write out the value of an option that is given without one: ``--info`` → ``--info=all``."""
    for option in command.options:
        is_meant = argument in (option.name, *option.short)
        if option.default and is_meant and after not in option.choices:
            return f"{option.name}={option.default}"
    return argument


def _parser(command: Command) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vaerun", add_help=False, allow_abbrev=False, exit_on_error=False, usage=""
    )
    for option in command.options:
        names = (option.name, *option.short)
        action = "store_true" if option.value is None else "append"
        parser.add_argument(*names, dest=option.name, action=action)
    return parser


class _Parser(argparse.ArgumentParser):
    """Raises in place of printing and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, "vaerun --help")


def _value(command: Command, option: Option, given: list[str]) -> str | list[str]:
    """Return the value of an option, of which argparse has a list: an entry each time it came.

    Raises: UsageError for a value that it cannot have, or a second one.
    """
    entries = [entry for text in given for entry in _entries(option, text)]
    if not entries:
        raise _without_value(command, option)
    if option.is_list:
        return entries
    if len(given) > 1:
        raise UsageError(f"{option.name} is given twice", command.help_hint)
    if option.choices and given[0] not in option.choices:
        known = f"{option.name}: {', '.join(option.choices)}"
        hint = nearest(given[0], option.choices) or known
        raise UsageError(f"{option.name} cannot be '{given[0]}'", hint)
    return given[0]


def _entries(option: Option, text: str) -> list[str]:
    """Return the entries of a list; a folder that there is may have commas in its name."""
    if text and (not option.by_commas or (option.value == "DIR" and _is_there(text))):
        return [text]
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _without_value(command: Command, option: Option) -> UsageError:
    return UsageError(f"{option.name} needs a value, {option.value}", command.help_hint)


def _unknown_option(command: Command, argument: str) -> UsageError:
    name = argument.partition("=")[0]
    known = [option.name for option in command.options if not option.refused]
    who = command.name or "vaerun"
    if command.takes and _is_there(argument):
        hint = f"what is in this folder under that name: ./{argument}"
        return UsageError(f"{who} has no option '{name}'", hint)
    return UsageError(f"{who} has no option '{name}'", nearest(name, known) or command.help_hint)


def _is_there(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _is_override(command: Command, argument: str) -> bool:
    """Whether an argument is a setting; what a command cannot take at all is refused."""
    if command.takes is not None:
        # A folder's name may have a '='.
        return "=" in argument and not (command.takes == "DIR" and _is_there(argument))
    if argument.startswith("~"):
        raise UsageError(f"cannot read '{argument}': a setting is given a value, not taken away")
    if argument.startswith("=") or "=" not in argument:
        hint = f"commands: {', '.join(COMMANDS)}; vaerun --help shows how to use them"
        message = f"cannot read '{argument}': a setting is written key=value"
        raise UsageError(message, nearest(argument, COMMANDS) or hint)
    return True
