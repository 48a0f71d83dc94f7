"""The YAML of settings, looked at before it is loaded: from anyone's folder it may be anything.

Loading follows the nesting of a text, and aliases can make a few lines into more values than fit
into memory. So the parts of a text are listed first, which takes neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from runner.errors import UsageError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C, ten times as fast, where PyYAML was built with it."""

_DEEPEST = 32
"""Mappings and lists within each other; settings have less than ten."""

_LONGEST_NUMBER = 64
"""Characters of a number; Python refuses to read one of more than 4,300 digits."""

_NUMBER = re.compile(r"[-+]?[0-9.][0-9a-fA-FxXoO_.:+-]*")


def refuse_unusual(text: str, name: str) -> None:
    """Refuse a text that is not YAML, or has what no settings have; ``name`` is what it is called.

    That is: something other than a mapping, aliases, values nested without end, numbers of very
    many digits.

    Raises: UsageError of one line.
    """
    try:
        depth = 0
        for number, event in enumerate(_events(text)):
            if number == 0 and not isinstance(event, yaml.MappingStartEvent):
                raise UsageError(f"{name} is not a mapping of settings")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if problem := _problem(event, depth):
                line = event.start_mark.line + 1
                raise UsageError(f"{name}, line {line}: {problem}")
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is not YAML: {reason(error)}") from error


def _events(text: str) -> Iterator[yaml.Event]:
    """Yield the values of a text and the ends of its mappings and lists."""
    for event in cast("Iterator[yaml.Event]", yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _problem(event: yaml.Event, depth: int) -> str | None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "settings are written out, without anchors (&) and aliases (*)"
    if depth > _DEEPEST:
        return "the settings are nested too deeply"
    if isinstance(event, yaml.ScalarEvent) and not event.style:
        value = str(event.value)
        if len(value) > _LONGEST_NUMBER and _NUMBER.fullmatch(value):
            return f"a number of {len(value):,} digits"
    return None


def reason(error: yaml.YAMLError) -> str:
    """Return what is wrong with a text, and where, in one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem}, line {mark.line + 1}" if mark else str(problem)
