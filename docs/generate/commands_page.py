"""The page of the commands, from the same table as ``vaerun COMMAND --help``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tables import code, plain, table

from runner.commands.arguments import Command, Option
from runner.commands.manual import MANUAL

_INTRODUCTION = """\
# Commands

Made from the program's own help when this site was built: `vaerun COMMAND --help` shows the same in
a terminal. Arguments come in any order. What a command prints on standard output is its result
alone, such as a folder's path; progress, tables and messages go to standard error.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a run failed, or a file could not be read or written |
| 2 | wrong input: one line that says what, and the nearest valid choice |
| 3 | data missing or corrupt |
| 4 | the training diverged |
| 130, 143, 129 | interrupted by Ctrl-C, SIGTERM or SIGHUP, after a checkpoint |

A command that is refused changes nothing. `HYDRA_FULL_ERROR=1` in front of a command shows the
traceback behind an error.
"""


def pages(_root: Path) -> dict[str, str]:
    """Return the page by its path."""
    lines = (line for command in MANUAL.values() for line in _of(command))
    return {"reference/commands.md": "\n".join([_INTRODUCTION, *lines])}


def _of(command: Command) -> Iterator[str]:
    anchor = command.name.replace(" ", "-") or "vaerun"
    yield f"## vaerun {command.name}".rstrip() + f" {{#{anchor}}}"
    yield from ("", plain(command.summary), "")
    yield from ("```text", *command.usage, "```", "")
    options = [option for option in command.options if not option.refused]
    yield from table(("option", "meaning"), ((_written(o), plain(o.help)) for o in options))
    settings = ((code(key), plain(help)) for key, help in command.settings)
    yield from table(("setting", "meaning"), settings)
    examples = ((code(line), plain(meaning)) for line, meaning in command.examples)
    yield from table(("example", ""), examples)


def _written(option: Option) -> str:
    names = ", ".join(code(name) for name in (*option.short, option.name))
    return f"{names} {code(option.value or '')}".rstrip()
