"""What the YAML of ``conf/`` says of its choices and settings in its comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.config.data_root import data_root
from runner.config.schema import GRID_GROUPS, GROUPS
from runner.files import read_regular

LISTED_GROUPS = (*GROUPS, "sweep", *GRID_GROUPS)
"""All groups that have choices, in the order in which a reader meets them."""


_MOST_BYTES = 1 << 20
"""Of a file of settings; one has some thousands."""

TOP_LEVEL = "settings"
"""The name under which the settings that belong to no section are explained."""


@dataclass(frozen=True)
class Choice:
    """One YAML file: its name, what its first comment says, and its keys with their help."""

    name: str
    help: str
    keys: tuple[tuple[str, str], ...]
    """(``key=default``, its comment), by dotted names; a section has no default."""
    is_global: bool = False
    """Whether its keys are those of the whole configuration, not of its group alone."""


@dataclass(frozen=True)
class Setting:
    """A setting or a section of settings, as it is explained to a user."""

    key: str
    default: str
    help: str


def choices(group: str) -> list[Choice]:
    """Return the choices of a group of ``conf/``, or the files of ``sweeps/`` for ``sweep``."""
    root = data_root()
    folders = (root / "sweeps", Path("sweeps")) if group == "sweep" else (root / "conf" / group,)
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
    return [read_choice(path) for _, path in sorted(files.items())]


def read_choice(path: Path) -> Choice:
    """Return what a YAML file says of itself in its comments."""
    lines = read_regular(path, _MOST_BYTES).decode("utf-8", "replace").splitlines()
    comments = [line[1:].strip() for line in lines if re.match(r"#(?!\s*@package)", line)]
    keys: list[tuple[str, str]] = []
    above: list[tuple[int, str]] = []
    for line in lines:
        match = re.match(r"( *)(\w+):(.*)", line)
        if match is None:
            continue
        indent, key, rest = len(match[1]), match[2], match[3]
        above = [(depth, name) for depth, name in above if depth < indent]
        value, _, text = rest.partition(" # ")
        dotted = ".".join([name for _, name in above] + [key])
        if text:
            keys.append((dotted + (f"={value.strip()}" if value.strip() else ""), text.strip()))
        above.append((indent, key))
    is_global = "# @package _global_" in lines
    return Choice(path.stem, " ".join(comments[:1]), tuple(keys), is_global)


def shared_settings() -> list[Setting]:
    """Return the settings of ``conf/config.yaml``, which every run has whatever it chooses."""
    found = _settings(read_choice(data_root() / "conf" / "config.yaml").keys)
    return [setting for setting in found if not setting.key.startswith("hydra")]


def settings_of_choice(group: str, choice: Choice) -> list[Setting]:
    """Return the settings of a choice by their full names, ``prior.dimensions``."""
    prefix = "" if choice.is_global or group == "sweep" else f"{group}."
    return [Setting(f"{prefix}{s.key}", s.default, s.help) for s in _settings(choice.keys)]


def names() -> list[str]:
    """Return all that can be explained: groups, sections, settings."""
    found = [*LISTED_GROUPS, TOP_LEVEL, *_with_sections(s.key for s in shared_settings())]
    for group in LISTED_GROUPS:
        if group not in ("experiment", "debug", "sweep"):
            for choice in choices(group):
                found += _with_sections(s.key for s in settings_of_choice(group, choice))
    return list(dict.fromkeys(found))


def _with_sections(keys: Iterable[str]) -> list[str]:
    """Return keys, and the sections that they are in."""
    found: dict[str, None] = {}
    for key in keys:
        parts = key.split(".")
        found |= dict.fromkeys(".".join(parts[:n]) for n in range(1, len(parts) + 1))
    return list(found)


def within(settings: Sequence[Setting], name: str) -> list[Setting]:
    """Return the setting of a name, and all of the section of that name."""
    return [s for s in settings if s.key == name or s.key.startswith(f"{name}.")]


def _settings(keys: Sequence[tuple[str, str]]) -> list[Setting]:
    split = ((key.partition("="), text) for key, text in keys)
    return [Setting(key, default, text) for (key, _, default), text in split]
