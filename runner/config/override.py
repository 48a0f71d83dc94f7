"""One setting of a command line, ``key=value``: read, checked against its type, quoted if need be.

What is a name or a path by its type is taken as it stands, whatever characters it has. Other values
are read by Hydra's grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from runner.config.grammar import (
    is_readable,
    parsed_override,
    parsed_value,
    quoted,
    shell_quoted,
    unquoted,
)
from runner.config.schema import GRID_GROUPS, GROUPS
from runner.config.setting_types import (
    all_settings,
    is_text,
    require_all,
    switched_on_by,
    type_of,
)
from runner.config.value_types import described, without_null
from runner.errors import UsageError, nearest_setting

_OF_HYDRA = ("hydra.searchpath", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")
"""The settings of Hydra's own that have a use here."""

_OF_THE_GRID = ("out", "sweep_name")
"""Texts that all runs of a grid share."""


@dataclass(frozen=True)
class Override:
    """A setting that was given: ``text`` is the override as Hydra takes it."""

    text: str
    key: str
    value: object


@lru_cache(maxsize=4096)
def read_override(given: str) -> Override:
    """Return a setting as it is meant.

    Raises: UsageError for a key that can be none, and for what its type does not take.
    """
    written, _, raw = given.partition("=")
    key = written.lstrip("+~")
    _refuse_key(given, key)
    if key.startswith("hydra."):
        return _of_hydra(given, key, raw)
    if written.startswith("~"):
        return Override(given, key, None)
    if key in GROUPS and not raw.lstrip().startswith("{"):
        return _choice(given, key, raw)
    if is_text(key):
        return _text(written.removesuffix(key), key, raw)
    value = parsed_value(given, key, raw)
    hint = type_of(key)
    if hint is None:
        _refuse_part_of_value(key)
    else:
        section, _, name = key.rpartition(".")
        require_all({name: value}, section)
    return Override(_filling(given, key, raw, value), key, value)


def of_grid(given: str) -> str:
    """Return a setting of a grid, which may have several values, as Hydra's grammar reads it.

    The grid's own folder is taken as it is, and so is one that is there; other names are crossed
    where they can be read so.

    Raises: UsageError for what cannot be read.
    """
    key, _, raw = given.partition("=")
    key = key.lstrip("+~")
    _refuse_key(given, key)
    is_one = key in _OF_THE_GRID or _is_folder(raw) or not is_readable(given)
    if is_text(key) and is_one:
        return read_override(given).text
    parsed_override(given, key, raw)
    return given


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _refuse_key(given: str, key: str) -> None:
    """Refuse what is no setting's name, and Hydra's own settings that have no use here."""
    if "@" in key:
        raise UsageError(f"cannot read '{given}': a setting's name has no '@'")
    if not key or re.search(r"[^\w./\-$]", key):
        raise UsageError(f"cannot read '{given}': a setting is written key=value")
    if re.match(r"hydra\b", key) and key not in _OF_HYDRA:
        hint = f"it can be {', '.join(_OF_HYDRA[1:])}; vaerun --help has the options"
        raise UsageError(f"'{key}' is not used here", hint)


def _filling(given: str, key: str, raw: str, value: object) -> str:
    """Return an override as it works where the section that it is in is null."""
    section = switched_on_by(key, value)
    if section is None:
        return given
    # Hydra cannot fill a section that is null, but merges the section above it.
    around, _, name = section.rpartition(".")
    inside = key[len(section) + 1 :]
    filled = f"{{{inside}: {raw}}}" if inside else raw
    return f"{around}={{{name}: {filled}}}"


def _of_hydra(given: str, key: str, raw: str) -> Override:
    if key == "hydra.searchpath":
        return Override(given, key, parsed_value(given, key, raw))
    return _text("", key, raw)


def _choice(given: str, group: str, raw: str) -> Override:
    """Return the choice of a group; Hydra says of an unknown name which there are."""
    value = unquoted(group, raw)
    if value == "null":
        if group not in ("experiment", "debug"):
            raise UsageError(f"{group}=null: there must be one", "vaerun list shows the choices")
        return Override(f"{group}=null", group, None)
    if re.match(r"[\[(]", value):
        raise UsageError(f"{group} must be one name, got {value}", f"vaerun list {group}")
    if "," in value:
        raise UsageError(f"{given} has several values", "-m trains a run for each of them")
    is_name = re.fullmatch(r"[A-Za-z_][\w.+-]*", value)
    if is_name is None or value.lower() in ("nan", "inf", "true", "false"):
        raise UsageError(f"unknown {group} '{value}'", f"vaerun list {group}")
    return Override(f"{group}={value}", group, value)


def _text(prefix: str, key: str, raw: str) -> Override:
    """Return a name or a path as it stands; in Hydra's quotes, without them."""
    _, nullable = without_null(type_of(key))
    if raw == "null":
        if nullable:
            return Override(f"{prefix}{key}=null", key, None)
        hint = f"a name 'null' is written in quotes: {shell_quoted(key, 'null')}"
        raise UsageError(f"{key} must be text, got null", hint)
    value = unquoted(key, raw)
    if "${" in value and not _is_well_formed(value):  # then it is no reference, but a part of it
        value = value.replace("${", "\\${")
    return Override(f"{prefix}{key}={quoted(value)}", key, value)


def _is_well_formed(text: str) -> bool:
    """Whether a text with ``${`` is written as references are."""
    from omegaconf.errors import GrammarParseError
    from omegaconf.grammar_parser import parse

    try:
        parse(text)
    except (GrammarParseError, RecursionError):
        return False
    return True


def _refuse_part_of_value(key: str) -> None:
    """Refuse ``beta.linear=3``: what is one value has no settings of its own."""
    parent = key.rpartition(".")[0]
    while parent:
        hint = type_of(parent)
        if hint is not None and hint is not Any:
            if not is_dataclass(without_null(hint)[0]):
                message = f"unknown setting '{key}'"
                raise UsageError(message, f"{parent} is one value: {described(hint)}")
            return
        parent = parent.rpartition(".")[0]


def searched_folders(override: str) -> list[Path]:
    """Return the folders of a search path, ``hydra.searchpath=['file:///own']``."""
    value = read_override(override).value
    entries = cast("list[object]", value) if isinstance(value, list) else [value]
    return [Path(str(e).removeprefix("file://").replace("\\${", "${")) for e in entries]


def changes(overrides: list[str]) -> dict[str, Any]:
    """Return settings as nested mappings: what is to be changed in some that are there.

    Raises: UsageError for a setting that there is not, or a value that it cannot have.
    """
    found: dict[str, Any] = {}
    for text in overrides:
        override = read_override(text)
        key = override.key
        if key in (*GROUPS, *GRID_GROUPS) and not isinstance(override.value, dict):
            raise UsageError(f"'{key}' is chosen when a run starts, and cannot be changed")
        if type_of(key) is None:
            hint = nearest_setting(key, all_settings()) or "vaerun list shows all settings"
            raise UsageError(f"unknown setting '{key}'", hint)
        place = found
        *sections, name = key.split(".")
        for section in sections:
            inner = place.get(section)
            place[section] = place = inner if isinstance(inner, dict) else {}
        place[name] = override.value
    return found
