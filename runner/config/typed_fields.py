"""Settings whose types OmegaConf cannot express: parsed once, found again, and written to YAML.

Such a field, a ``schedule.Value``, is ``Annotated[Any, parse]`` at run time: ``Any`` to OmegaConf,
and what ``parse`` returns to a type checker. ``parse_fields`` calls ``parse(key, value)`` for it,
once, when a configuration is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from runner.config.schedule import Schedule, Value, parse_value
from runner.config.value_types import without_null

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)

_Leaf = tuple[str, object, object]
"""Dotted name, the type that it is declared with, and the value."""


def parse_fields(settings: Settings, prefix: str = "") -> Settings:
    """Return settings in which every field that declares a parser holds what the parser returns.

    A class's own numbers come before those of the classes in it, so that of ``beta`` and of a
    weight that is ``${beta}``, ``beta`` is the one that an error names.

    Raises: UsageError of the parser, naming the setting with its dotted name.
    """
    named = {f.name: getattr(settings, f.name) for f in fields(settings)}
    hints = _hints(type(settings))
    own_first = sorted(named, key=lambda name: is_dataclass(named[name]))
    parsed = {name: _parse(hints[name], f"{prefix}{name}", named[name]) for name in own_first}
    return replace(settings, **parsed)


def _parse(hint: object, key: str, value: object) -> object:
    kind, nullable = without_null(hint)
    if parser := _parser(kind):
        return None if value is None and nullable else parser(key, value)
    if is_dataclass(value) and not isinstance(value, type):
        return parse_fields(value, f"{key}.")
    if get_origin(hint) is list:
        items = enumerate(cast("list[object]", value))
        return [_parse(get_args(hint)[0], f"{key}.{i}", item) for i, item in items]
    if get_origin(hint) is dict:
        entries = cast("dict[str, object]", value).items()
        return {str(n): _parse(get_args(hint)[1], f"{key}.{n}", item) for n, item in entries}
    return value


def values(settings: DataclassInstance, prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield (dotted name, value) of every setting that is a number or a schedule by its type."""
    for key, hint, value in typed_leaves(settings, prefix):
        if _parser(hint) is parse_value:
            yield key, cast("Value", value)


def schedules(settings: DataclassInstance) -> Iterator[tuple[str, Schedule]]:
    """Yield (dotted name, schedule) of every setting that changes while training."""
    for key, value in values(settings):
        if isinstance(value, Schedule):
            yield key, value


def plain(settings: DataclassInstance) -> dict[str, object]:
    """Return settings as nested dictionaries and lists, with every schedule as YAML has it."""
    return {field.name: _plain(getattr(settings, field.name)) for field in fields(settings)}


def _plain(value: object) -> object:
    if isinstance(value, Schedule):
        return value.as_mapping()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return value


def typed_leaves(settings: DataclassInstance, prefix: str = "") -> Iterator[_Leaf]:
    """Yield (dotted name, declared type, value) of every setting that is not a section."""
    hints = _hints(type(settings))
    for field in fields(settings):
        key, value = f"{prefix}{field.name}", getattr(settings, field.name)
        yield from _typed_leaves_of(hints[field.name], key, value)


def _typed_leaves_of(hint: object, key: str, value: object) -> Iterator[_Leaf]:
    if _parser(hint) is None and is_dataclass(value) and not isinstance(value, type):
        yield from typed_leaves(value, f"{key}.")
    elif get_origin(hint) is list:
        for i, item in enumerate(cast("list[object]", value)):
            yield from _typed_leaves_of(get_args(hint)[0], f"{key}.{i}", item)
    elif get_origin(hint) is dict:
        for name, item in cast("dict[str, object]", value).items():
            yield from _typed_leaves_of(get_args(hint)[1], f"{key}.{name}", item)
    else:
        yield key, hint, value


def _parser(hint: object) -> Callable[[str, object], object] | None:
    """Return the parser that a field's type carries, if it carries one."""
    return next(iter(getattr(hint, "__metadata__", ())), None)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
