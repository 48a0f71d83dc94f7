"""What an own piece is: a function of the user's, its name, and the settings that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, make_dataclass
from types import MappingProxyType
from typing import Any, Optional, cast, get_args, get_origin, get_type_hints

KINDS = ("dataset", "network", "prior", "likelihood", "penalty", "metric", "figure")
"""What can be added."""

_SINGLE: tuple[object, ...] = (int, float, bool, str)
_MOST_SUPPORTED = "int, float, bool, str, a list of one of these, Optional of either, or Value"


@dataclass(frozen=True)
class Place:
    """Where something was written: the file, as messages name it, and the line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"'{self.file}', line {self.line}"


@dataclass(frozen=True, eq=False)
class Piece:
    """A function that a user added under a name, and what is said of it."""

    kind: str
    """One of :data:`KINDS`."""
    name: str
    function: Callable[..., Any]
    settings: type
    """A dataclass: the names, types and defaults of its settings."""
    help: str
    place: Place
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What else was said when it was added: ``needs`` of a penalty, ``better`` of a metric."""

    @property
    def title(self) -> str:
        """What messages call it: ``prior 'mine'``."""
        return f"{self.kind} '{self.name}'"

    def types(self) -> dict[str, Any]:
        """Return the type of each setting by name, ``int | None`` written as OmegaConf reads it."""
        return {name: _readable(hint) for name, hint in _hints(self.settings).items()}

    def helps(self) -> dict[str, str]:
        """Return what is said of each setting, empty where nothing is."""
        return {f.name: str(f.metadata.get("help", "")) for f in fields(self.settings)}

    def defaults(self) -> dict[str, Any]:
        """Return the default of each setting that has one."""
        found = {f.name: _default(f) for f in fields(self.settings)}
        return {name: value for name, value in found.items() if value is not MISSING}

    def given(self, source: object, **instead: object) -> Any:  # noqa: ANN401 - the user's class
        """Return its settings with the values that an object, such as a section, has of them."""
        values = {f.name: getattr(source, f.name, MISSING) for f in fields(self.settings)}
        return self.settings(**{k: v for k, v in (values | instead).items() if v is not MISSING})


def settings_class(given: object) -> type:
    """Return the dataclass of the settings of a piece: the one given, or one made from defaults.

    Raises: ValueError saying what is wrong with it.
    """
    if given is None:
        return make_dataclass("Settings", [])
    if isinstance(given, Mapping):
        return _of_defaults(cast("Mapping[object, object]", given))
    if not isinstance(given, type) or not is_dataclass(given):
        raise ValueError("its settings must be a dataclass, or a dict of defaults")
    try:
        hints = _hints(given)
    except Exception as error:
        raise ValueError(f"the types of its settings cannot be read: {error}") from error
    for name, hint in hints.items():
        if not _is_supported(hint):
            message = f"its setting '{name}' has a type that no setting can have"
            raise ValueError(f"{message}: it can be {_MOST_SUPPORTED}")
    return given


def with_setting(settings: type, name: str, default: object) -> type:
    """Return a dataclass of settings that has one more, unless it has it already."""
    if name in {f.name for f in fields(settings)}:
        return settings
    frozen = bool(getattr(settings, "__dataclass_params__").frozen)  # noqa: B009 - as typed
    more = [(name, type(default), field(default=default, kw_only=True))]
    made = make_dataclass(settings.__name__, more, bases=(settings,), frozen=frozen)
    made.__module__ = settings.__module__
    return made


def _of_defaults(given: Mapping[object, object]) -> type:
    made: list[tuple[str, Any, Any]] = []
    for name, value in given.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"its settings have names such as width, not {name!r}")
        kind = _type_of(value)
        if kind is None:
            message = f"the type of its setting '{name}' cannot be told from {value!r}"
            raise ValueError(f"{message}: a dataclass declares it")
        copied = list(cast("list[object]", value)) if isinstance(value, list) else None
        default: Any = field(default_factory=lambda copied=copied: list(copied or []))
        made.append((name, kind, field(default=value) if copied is None else default))
    return make_dataclass("Settings", made)


def _type_of(value: object) -> Any:  # noqa: ANN401 - a type, or one of list[…]
    if type(value) in _SINGLE:
        return type(value)
    items = cast("list[object]", value) if isinstance(value, list) else []
    kinds = {type(item) for item in items}
    if kinds == {int, float}:
        return list[float]
    (kind,) = kinds if len(kinds) == 1 else (None,)
    return list[kind] if kind in _SINGLE else None


def _hints(settings: type) -> dict[str, Any]:
    hints = get_type_hints(settings, include_extras=True)
    return {f.name: hints[f.name] for f in fields(settings)}


def _is_supported(hint: object) -> bool:
    if any(callable(each) for each in getattr(hint, "__metadata__", ())):
        return True  # a number or a schedule, which is parsed when the settings are read
    kind = _without_none(hint)
    if get_origin(kind) is list:
        return bool(get_args(kind)) and get_args(kind)[0] in _SINGLE
    return kind in _SINGLE


def _without_none(hint: object) -> object:
    """Return the type within ``Optional``."""
    kinds = get_args(hint)
    if type(None) in kinds and len(kinds) == 2:
        return next(kind for kind in kinds if kind is not type(None))
    return hint


def _readable(hint: object) -> object:
    kind = _without_none(hint)
    return hint if kind is hint else Optional[cast("type", kind)]  # noqa: UP045 - OmegaConf's form


def _default(of: Field[Any]) -> Any:  # noqa: ANN401 - of any type
    if of.default_factory is not MISSING:
        return of.default_factory()
    return of.default


def is_finite(number: object) -> bool:
    """Whether something is a number that is finite."""
    return isinstance(number, (int, float)) and math.isfinite(number)
