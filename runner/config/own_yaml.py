"""YAML that a user wrote, in a folder of ``--config-dir`` or in ``conf/local``: checked by itself.

Hydra says of a wrong file what went wrong in its own classes. Here each file that a run takes is
read first, and what is wrong in it is said in one line with the file's name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from runner.config.data_root import data_root
from runner.config.override import Override, read_override, searched_folders
from runner.config.own_pieces import choices as choices_of
from runner.config.schema import CHOICES, GROUPS, PARTLY_TYPED
from runner.config.setting_types import require_all, type_of
from runner.config.shown import shown
from runner.config.tree import leaves
from runner.config.value_types import settings_of
from runner.config.yaml_file import read_settings_file
from runner.errors import UsageError, nearest

_Chosen = tuple[str, str]
"""A group of ``conf/`` and the name of its choice."""

_LOCAL = ("local", "default")
"""This machine's own settings, which every run takes where they are."""


@dataclass
class OwnFiles:
    """The files of the user's own that a run takes, and notes on those that it does not."""

    notes: list[str] = field(default_factory=list[str])
    sets: dict[Path, set[str]] = field(default_factory=dict[Path, set[str]])
    """File → the dotted names that it sets, and the group that it is a choice of."""

    def named(self, error: UsageError, given: Collection[str]) -> UsageError:
        """Return an error with the file that it comes from, unless its setting was given."""
        key = error.message.partition(" ")[0].rstrip(":")
        if key in given:
            return error
        for path, names in self.sets.items():
            if key in names or key.partition(".")[0] in names:
                return UsageError(f"'{path}': {error.message}", error.hint)
        return error


def check_own_yaml(overrides: Sequence[str]) -> OwnFiles:
    """Check the files of the user's own that overrides choose.

    Raises: UsageError naming the first file that is wrong, and what is wrong in it.
    """
    given = [read_override(override) for override in overrides]
    folders = [data_root() / "conf", *_own_folders(given)]
    chosen = [(o.key, o.value) for o in given if o.key in GROUPS and isinstance(o.value, str)]
    found = OwnFiles()
    waiting, seen = [*chosen, _LOCAL], set[_Chosen]()
    while waiting:
        group, name = waiting.pop(0)
        if (group, name) in seen:
            continue
        seen.add((group, name))
        files = [folder / group / f"{name}.yaml" for folder in folders]
        there = [file for file in files if file.is_file()]
        if there[:1] == files[:1] and (group, name) != _LOCAL:  # one that comes with the program
            reason = f"is not used: {group}={name} comes with the program"
            found.notes += [f"'{file}' {reason}" for file in there[1:]]
        elif there:
            content = read_settings_file(there[0])
            waiting += _check_file(there[0], group, content, folders)
            found.sets[there[0]] = {key for key, _ in leaves(content)} | {group}
    return found


def _own_folders(given: Sequence[Override]) -> Iterator[Path]:
    for override in given:
        if override.key == "hydra.searchpath":
            yield from searched_folders(override.text)


def _check_file(
    path: Path, group: str, content: dict[str, Any], folders: Sequence[Path]
) -> list[_Chosen]:
    """Check a file and return the choices that its defaults take along."""
    package = re.search(r"^#\s*@package\s+(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    is_global = package is not None and package[1] == "_global_"
    if group in ("experiment", "debug", "local") and not is_global:
        hint = "it sets what is not beneath its group by a first line: # @package _global_"
        raise UsageError(f"'{path}' has settings of the whole run", hint)
    defaults = list(_defaults(path, content.pop("defaults", [])))
    content.pop("hydra", None)
    try:
        if not is_global:
            _check_group(group, content, [entry for entry, _ in defaults])
        require_all(content, "" if is_global else group)
    except UsageError as error:
        raise UsageError(f"'{path}': {error.message}", error.hint) from error
    chosen = [(g, name) for g, name in defaults if name is not None]
    for other, name in chosen:
        known = {file.stem for folder in folders for file in (folder / other).glob("*.yaml")}
        if known and name not in known:
            hint = nearest(name, known) or f"{other}: {', '.join(sorted(known))}"
            raise UsageError(f"'{path}': unknown {other} '{name}'", hint)
    return chosen


def _defaults(path: Path, entries: object) -> Iterator[tuple[str, str | None]]:
    """Yield (group, choice) of the list of defaults; of a schema its path, and None."""
    form = "'override /prior: normal' or '/schema/prior/laplace@_here_'"
    if not isinstance(entries, list):
        raise UsageError(f"'{path}': defaults must be a list of entries like {form}")
    for entry in cast("list[object]", entries):
        if isinstance(entry, str) and (entry == "_self_" or entry.startswith("/schema/")):
            yield entry.lstrip("/").partition("@")[0], None
            continue
        pairs = cast("Mapping[object, object]", entry if isinstance(entry, Mapping) else {})
        key, name = next(iter(pairs.items()), ("", ""))
        match = re.fullmatch(r"override\s+/(\w+)(@\S+)?", str(key))
        if len(pairs) != 1 or match is None or not isinstance(name, str | None):
            message = f"an entry of defaults must be like {form}, got {shown(entry)}"
            raise UsageError(f"'{path}': {message}")
        if match[1] not in GROUPS:
            hint = nearest(match[1], GROUPS) or f"groups: {', '.join(GROUPS)}"
            raise UsageError(f"'{path}': there is no group '{match[1]}'", hint)
        yield match[1], name


def _check_group(group: str, content: Mapping[str, Any], entries: Sequence[str]) -> None:
    """Check that a choice declares the class of its settings, where its group has several.

    Raises: UsageError.
    """
    if group not in CHOICES:
        return
    choices = choices_of(group)
    schemas = [entry.removeprefix(f"schema/{group}/") for entry in entries if "schema/" in entry]
    for schema in schemas:
        if schema not in choices:
            hint = nearest(schema, choices) or f"{group}: {', '.join(choices)}"
            raise UsageError(f"there is no schema '{schema}' of a {group}", hint)
    name = content.get("name")
    if name not in choices and group not in PARTLY_TYPED:
        hint = nearest(str(name), choices) or f"{group}: {', '.join(choices)}"
        raise UsageError(f"name must be that of a {group} that there is, got {shown(name)}", hint)
    kind = choices[schemas[0]] if schemas else cast("type", type_of(group))
    for key in content:
        if key not in settings_of(kind) and type_of(f"{group}.{key}") is not None:
            hint = f"with these first lines: defaults: [/schema/{group}/{name}@_here_]"
            raise UsageError(f"'{group}.{key}' is not declared", hint)
