"""The page of all settings, from the comments of ``conf/``, as ``vaerun list`` shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tables import code, plain, table

from runner.config.descriptions import (
    LISTED_GROUPS,
    Setting,
    choices,
    settings_of_choice,
    shared_settings,
    within,
)

_TITLES = ("setting", "default", "meaning")
_INTRODUCTION = """\
# All settings

Made from the comments of `conf/` when this site was built: `vaerun list NAME` shows the same in a
terminal. A setting is given as `key=value`, a choice as `group=name`
([how they combine](../choosing.md)).
"""


def pages(_root: Path) -> dict[str, str]:
    """Return the page by its path."""
    return {"reference/settings.md": "\n".join(_lines())}


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _shared()
    for group in LISTED_GROUPS:
        yield from _of_group(group)


def _shared() -> Iterator[str]:
    """Yield the settings that every run has whatever it chooses, section by section."""
    every = shared_settings()
    yield from ("## Of every run", "")
    yield from _rows(s for s in every if "." not in s.key and s.default)
    for section in (s for s in every if "." not in s.key and not s.default):
        yield from (f"### {section.key} {{#{section.key}}}", "", plain(section.help), "")
        yield from _rows(s for s in within(every, section.key) if s.key != section.key)


def _of_group(group: str) -> Iterator[str]:
    """Yield the choices of a group, each with the settings that it brings."""
    yield from (f"## {group}= {{#group-{group}}}", "")
    for choice in choices(group):
        yield f"### {group}={choice.name} {{#{group}-{choice.name}}}"
        yield from ("", plain(choice.help), "")
        yield from _rows(settings_of_choice(group, choice))


def _rows(settings: Iterable[Setting]) -> Iterator[str]:
    """Yield a table of settings; a section of settings is a row without a default."""
    yield from table(_TITLES, ((code(s.key), code(s.default), plain(s.help)) for s in settings))
