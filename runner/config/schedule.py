"""A number that may change while training: constant, or a function of the step alone.

In YAML and on the command line a schedule stands wherever a number may:

    beta: 4
    beta: {linear: {from: 0, to: 4, over: 10000}}
    beta: {cosine: {from: 0, to: 4, over: 10000, after: 2000}}
    beta: {cyclic: {from: 0, to: 4, over: 10000}}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, cast

from runner.errors import UsageError, nearest

_KEYS = ("from", "to", "over", "after")
_RISE = 0.5
"""Share of a cycle in which a cyclic schedule rises; for the rest it stays (Fu et al. 2019)."""


@dataclass(frozen=True)
class Schedule:
    """From ``start`` to ``end`` in ``over`` steps, the first ``after`` steps spent at ``start``."""

    shape: str
    start: float
    end: float
    over: int
    after: int

    def at(self, step: int) -> float:
        """Return the number at a step, counted from zero: a function of the step alone."""
        share = SHAPES[self.shape](max(0, step - self.after) / self.over)
        return self.start + share * (self.end - self.start)


def _cyclic(turns: float) -> float:
    return min(1.0, (turns % 1) / _RISE)


SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda done: min(1.0, done),
    "cosine": lambda done: 0.5 - 0.5 * math.cos(math.pi * min(1.0, done)),
    "cyclic": _cyclic,
}
"""Name → share of the way as a function of steps / ``over``."""


def parse_number(key: str, value: object) -> float | Schedule:
    """Return the number or the schedule that a setting holds.

    Raises: UsageError when it is neither, or a schedule lacks one of its keys.
    """
    if isinstance(value, Mapping):
        return _parse_schedule(key, cast("Mapping[str, Any]", value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        example = "{linear: {from: 0, to: 4, over: 10000}}"
        raise UsageError(f"{key}={value}: Value '{value}' is neither a number nor {example}")
    return float(value)


def _parse_schedule(key: str, value: Mapping[str, Any]) -> Schedule:
    shape = str(next(iter(value), ""))
    if len(value) != 1 or shape not in SHAPES:
        hint = nearest(shape, SHAPES)
        raise UsageError(f"{key}: a schedule is one of {', '.join(SHAPES)}, got '{shape}'", hint)
    given = value[shape]
    settings: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    for name in settings:
        if name not in _KEYS:
            hint = nearest(str(name), _KEYS)
            raise UsageError(f"{key}: a schedule has {', '.join(_KEYS)}, not '{name}'", hint)
    numbers: list[float] = []
    for name, number in {**dict.fromkeys(_KEYS), "after": 0, **settings}.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise UsageError(f"{key}.{shape}.{name} must be a number, got {number}")
        numbers.append(float(number))
    start, end, over, after = numbers
    if over < 1 or after < 0:
        raise UsageError(f"{key}.{shape}.over must be at least 1 step and after at least 0")
    return Schedule(shape, start, end, int(over), int(after))


def schedules(settings: Any, prefix: str = "") -> Iterator[tuple[str, Schedule]]:  # noqa: ANN401 - any settings class
    """Yield (dotted name, schedule) of every setting that changes while training."""
    for field in fields(settings):
        value, key = getattr(settings, field.name), f"{prefix}{field.name}"
        if is_dataclass(value):
            yield from schedules(value, f"{key}.")
        elif isinstance(value, dict):
            yield from _in_mapping(key, cast("dict[str, Any]", value))
        elif isinstance(value, list):
            numbered = {str(i): item for i, item in enumerate(cast("list[Any]", value))}
            yield from _in_mapping(key, {k: v for k, v in numbered.items() if isinstance(v, dict)})


def _in_mapping(key: str, value: dict[str, Any]) -> Iterator[tuple[str, Schedule]]:
    if next(iter(value), None) in SHAPES:
        yield key, _parse_schedule(key, value)
        return
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _in_mapping(f"{key}.{name}", cast("dict[str, Any]", item))
