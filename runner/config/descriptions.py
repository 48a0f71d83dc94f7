"""What the YAML of ``conf/`` says of its choices and settings in its comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from runner.config.data_root import data_root
from runner.config.own_pieces import GROUP_OF, defaults_of, own_folders
from runner.config.schema import GRID_GROUPS, GROUPS
from runner.files import read_regular
from runner.plugins import Piece, Plugin, active, pieces

LISTED_GROUPS = (*GROUPS, "sweep", *GRID_GROUPS)
"""All groups that have choices, in the order in which a reader meets them."""


_MOST_BYTES = 1 << 20
"""Of a file of settings; one has some thousands."""

_USUAL = {
    "dimensions": "number of continuous variables",
    "group_size": "variables in a group; null: all in one group",
    "groups": "a tree of the variables' names; null: by group_size",
    "discrete": "discrete variables beside them: {shape: 3, glasses: bernoulli, rare: 0.1}",
    "temperature": "temperature of the relaxation of discrete variables",
}
"""What every prior has beside its own settings."""

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
    own = {path.stem: path for f in own_folders() for path in (f / group).glob("*.yaml")}
    found = {name: _own_file(read_choice(path)) for name, path in own.items() if name not in files}
    found |= {p.name: _own_choice(p) for p in _own_pieces(group) if p.name not in found}
    found |= {name: read_choice(path) for name, path in files.items()}
    return [choice for _, choice in sorted(found.items())]


def _own_pieces(group: str) -> list[Piece]:
    kinds = [kind for kind, of in GROUP_OF.items() if of == group]
    return [piece for kind in kinds for piece in pieces(kind).values()]


def _own_file(choice: Choice) -> Choice:
    """Return a choice of YAML beside a plugin's file, marked as own."""
    mark = f"own, conf/ beside {', '.join(sorted(_shown(p) for p in active() if p.folder))}"
    return replace(choice, help=f"{choice.help} ({mark})".strip())


def _own_choice(piece: Piece) -> Choice:
    """Return an own piece as a choice of its group: what its file says of it and its settings."""
    helps = {**_USUAL, **piece.helps()} if piece.kind == "prior" else piece.helps()
    keys = tuple(
        (f"{name}={_value_text(value)}", helps.get(name) or "a setting of its own")
        for name, value in {**dict.fromkeys(piece.types(), "needed"), **defaults_of(piece)}.items()
        if name != "name"
    )
    return Choice(piece.name, marked(piece), keys)


def marked(piece: Piece) -> str:
    """Return what an own piece is, and the file that it is from."""
    return f"{piece.help} (own, {Path(piece.place.file).name})".strip()


def _shown(plugin: Plugin) -> str:
    return plugin.path.name if plugin.path else str(plugin.name)


def _value_text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(_value_text(item) for item in cast('list[object]', value))}]"
    return str(value)


def own_settings() -> list[Setting]:
    """Return the settings of own penalties and metrics, which every run of their plugins has."""
    found: list[Setting] = []
    for kind, section in (("penalty", "objective.penalties"), ("metric", "metrics")):
        for piece in pieces(kind).values():
            at, helps = f"{section}.{piece.name}", piece.helps()
            found.append(Setting(at, "", marked(piece)))
            values = piece.defaults()
            if kind == "penalty":
                values = {"weight": 0, **values}
                helps = {"weight": "0: off", **{k: h for k, h in helps.items() if h}}
            found += [
                Setting(f"{at}.{name}", _value_text(value), helps.get(name) or "its own setting")
                for name, value in values.items()
            ]
    return found


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
    return [*(s for s in found if not s.key.startswith("hydra")), *own_settings()]


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
