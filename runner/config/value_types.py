"""Whether a value fits the type that the schema declares for a setting, and that type in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from omegaconf.errors import ValidationError
from omegaconf.nodes import BooleanNode, FloatNode, IntegerNode, StringNode

from runner.config.count_or_word import form, word_of
from runner.config.plugin_setting import FORM as PLUGINS_FORM
from runner.config.plugin_setting import parse_plugins
from runner.config.schedule import parse_value
from runner.config.shown import shown
from runner.errors import UsageError, nearest

LARGEST = 10**12
"""No size that is a setting comes near it; what is larger is a slip, and overflows a tensor."""

SCHEDULE_EXAMPLE = "{linear: {from: 0, to: 4, over: 10000}}"

_WORDS: dict[object, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "values true or false"),
    str: ("text", "names"),
}
"""Type → what one value of it is called, and what several are."""

_NODES: Mapping[object, Callable[[Any], object]] = {
    int: IntegerNode, float: FloatNode, bool: BooleanNode, str: StringNode,
}  # fmt: skip
"""Type → what OmegaConf converts a value with, so that both accept the same."""


def is_reference(value: object) -> bool:
    """Whether a value is ``${…}``, or ``???``: it is known only when all settings are."""
    return isinstance(value, str) and ("${" in value or value == "???")


def without_null(hint: object) -> tuple[object, bool]:
    """Return the type within ``Optional``, and whether it was one."""
    kinds = get_args(hint)
    if get_origin(hint) is not list and get_origin(hint) is not dict and type(None) in kinds:
        (kind,) = (kind for kind in kinds if kind is not type(None))
        return kind, True
    return hint, False


def is_number_or_schedule(hint: object) -> bool:
    """Whether a type is ``schedule.Value``."""
    return parse_value in getattr(hint, "__metadata__", ())


@cache
def settings_of(kind: type) -> dict[str, Any]:
    """Return the settings of a class of the schema, with the type of each."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)}


def described(hint: object) -> str:
    """Return what a value of a type is, in words."""
    kind, nullable = without_null(hint)
    if parse_plugins in getattr(kind, "__metadata__", ()):
        return PLUGINS_FORM
    if word := word_of(kind):
        return form(word, nullable=nullable)
    return _described(kind) + (", or null" if nullable else "")


def _described(kind: object) -> str:
    if is_number_or_schedule(kind):
        return f"a number, or a schedule such as {SCHEDULE_EXAMPLE}"
    if kind in _WORDS:
        return _WORDS[kind][0]
    if get_origin(kind) is list:
        items = _WORDS.get(get_args(kind)[0], ("", "numbers"))[1]
        return f"a list of {items}, such as {'[a, b]' if items == 'names' else '[1, 2]'}"
    if get_origin(kind) is dict:
        return "a mapping by name, such as {NAME: VALUE}"
    if is_dataclass(kind):
        return f"a mapping of {', '.join(settings_of(cast('type', kind)))}"
    return "a value"


def require(hint: object, key: str, value: object) -> None:
    """Refuse a value that does not fit a type, with the dotted name of what does not.

    Raises: UsageError.
    """
    for error in misfits(hint, key, value):
        raise error


def misfits(hint: object, key: str, value: object) -> Iterator[UsageError]:
    """Yield an error for each part of a value that does not fit its type."""
    kind, nullable = without_null(hint)
    if is_reference(value) or (value is None and nullable):
        return
    if is_number_or_schedule(kind) or word_of(kind) or kind in _NODES:
        if not _is_single(kind, value):
            yield _misfit(hint, key, value)
    elif get_origin(kind) is list:
        yield from _misfits_of_list(hint, key, value)
    elif get_origin(kind) is dict:
        yield from _misfits_of_mapping(hint, key, value)
    elif is_dataclass(kind):
        yield from _misfits_of_settings(hint, key, value)


def _is_single(kind: object, value: object) -> bool:
    """Whether a value is one of a type that is not made of others."""
    if is_number_or_schedule(kind):
        return isinstance(value, (int, float, Mapping)) and not isinstance(value, bool)
    if word := word_of(kind):
        return value == word or _converts(int, value)
    return _converts(kind, value)


def _misfit(hint: object, key: str, value: object) -> UsageError:
    return UsageError(f"{key} must be {described(hint)}, got {shown(value)}", _hint(hint, value))


def _hint(hint: object, value: object) -> str | None:
    """Return how a single value is written where a list of them is wanted."""
    kind, _ = without_null(hint)
    if get_origin(kind) is list and isinstance(value, (str, int, float)):
        return f"a list is written in brackets, even of one: [{value}]"
    return None


def _converts(kind: object, value: object) -> bool:
    if value is None:
        return False
    try:
        _NODES[kind](value)
    except (ValidationError, OverflowError):
        return False
    return True


def _misfits_of_list(hint: object, key: str, value: object) -> Iterator[UsageError]:
    if not isinstance(value, list):
        yield _misfit(hint, key, value)
        return
    (item_hint,) = get_args(without_null(hint)[0])
    for item in cast("list[object]", value):
        for _ in misfits(item_hint, key, item):
            yield _misfit(hint, key, value)
            return


def _misfits_of_mapping(hint: object, key: str, value: object) -> Iterator[UsageError]:
    if not isinstance(value, Mapping):
        yield _misfit(hint, key, value)
        return
    item_hint = get_args(without_null(hint)[0])[1]
    for name, item in cast("Mapping[object, object]", value).items():
        yield from misfits(item_hint, f"{key}.{name}", item)


def _misfits_of_settings(hint: object, key: str, value: object) -> Iterator[UsageError]:
    kind = cast("type", without_null(hint)[0])
    if is_dataclass(value) and not isinstance(value, type):
        kind, value = type(value), vars(value)
    if not isinstance(value, Mapping):
        yield _misfit(hint, key, value)
        return
    known = settings_of(kind)
    for name, item in cast("Mapping[object, object]", value).items():
        dotted = f"{key}.{name}" if key else str(name)
        if name not in known:
            names = ", ".join(known)
            yield UsageError(
                f"unknown setting '{dotted}'", nearest(str(name), known) or f"{key} has {names}"
            )
        else:
            yield from misfits(known[str(name)], dotted, item)
