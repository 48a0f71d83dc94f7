"""The type of every setting by its dotted name, whichever choices a run makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, cast, get_args, get_origin

from runner.config.launcher_schema import LAUNCHER_CHOICES
from runner.config.own_pieces import choices, widest
from runner.config.schema import GRID_GROUPS, RunConfig
from runner.config.search_schema import SEARCH_CHOICES
from runner.config.value_types import require, settings_of, without_null
from runner.errors import UsageError, nearest_setting

_OF_GRIDS: dict[str, dict[str, type]] = {
    "launcher": {**LAUNCHER_CHOICES},
    "search": {**SEARCH_CHOICES},
}


def _classes(group: str) -> Iterable[type]:
    """Return the classes of the settings of a group's choices."""
    return (_OF_GRIDS.get(group) or choices(group)).values()


def forget_types() -> None:
    """Forget the types of settings, after own pieces have come or gone."""
    type_of.cache_clear()


@cache
def type_of(key: str) -> object:
    """Return the type that a setting is declared with, or None where no choice has it."""
    first, *others = key.split(".")
    if first in GRID_GROUPS and others:
        return _type_within(_classes(first), others)
    hint = settings_of(RunConfig).get(first)
    return _type_below(hint, others, _classes(first)) if hint is not None else None


def _type_below(hint: object, parts: list[str], classes: Iterable[type] = ()) -> object:
    if not parts:
        return hint
    kind, _ = without_null(hint)
    if kind is Any:
        return Any
    if get_origin(kind) is dict:
        return _type_below(get_args(kind)[1], parts[1:])
    if is_dataclass(kind):
        return _type_within([widest(cast("type", kind)), *classes], parts)
    return None


def _type_within(classes: Iterable[type], parts: list[str]) -> object:
    """Return the type of a setting in whichever classes have it, the widest where they differ."""
    hints = [settings_of(each)[parts[0]] for each in classes if parts[0] in settings_of(each)]
    found = [_type_below(hint, parts[1:]) for hint in dict.fromkeys(hints)]
    return max(found, key=_width, default=None)


def _width(hint: object) -> tuple[bool, bool]:
    kind, nullable = without_null(hint)
    return kind is not int, nullable  # a float takes whole numbers too


def require_all(settings: Mapping[Any, Any], prefix: str) -> None:
    """Refuse settings, nested below a dotted name, that no choice has or whose values do not fit.

    Raises: UsageError.
    """
    for name, value in settings.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        hint = None if "." in str(name) else type_of(key)
        if hint is None:
            known = [k for k in all_settings() if k.rpartition(".")[0] == prefix]
            names = ", ".join(k.rpartition(".")[2] for k in known)
            nearby = nearest_setting(key, known) or f"{prefix or 'a run'} has {names}"
            raise UsageError(f"unknown setting '{key}'", nearby)
        if is_dataclass(without_null(hint)[0]) and isinstance(value, Mapping):
            require_all(cast("Mapping[Any, Any]", value), key)
        else:
            require(hint, key, value)


def all_settings() -> list[str]:
    """Return the dotted names of all settings that some run may have."""
    return list(dict.fromkeys(_names(RunConfig, "")))


def _names(kind: type, prefix: str) -> Iterator[str]:
    for name, hint in settings_of(kind).items():
        key = f"{prefix}{name}"
        yield key
        inner, _ = without_null(hint)
        classes = [inner] if is_dataclass(inner) else []
        for each in [*classes, *(_classes(key) if classes else ())]:
            yield from _names(widest(cast("type", each)), f"{key}.")


def is_text(key: str) -> bool:
    """Whether a setting is text: a name or a path, taken as it stands."""
    return without_null(type_of(key))[0] is str


def switched_on_by(key: str, value: object) -> str | None:
    """Return the section that a setting fills, where that may be null; None: there is none.

    ``metrics.dci.train`` is in ``metrics.dci``, which is null where the score is off.
    """
    parts = key.split(".")
    last = len(parts) if isinstance(value, Mapping) else len(parts) - 1
    for length in range(2, last + 1):
        section = ".".join(parts[:length])
        kind, nullable = without_null(type_of(section))
        if nullable and is_dataclass(kind):
            return section
    return None
