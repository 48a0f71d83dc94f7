"""A number that may change while training: constant, or a function of the step alone.

In YAML and on the command line a schedule stands wherever a number may:

    beta: 4
    beta: {linear: {from: 0, to: 4, over: 10000}}
    beta: {cosine: {from: 0, to: 4, over: 10000, after: 2000}}
    beta: {cyclic: {from: 0, to: 4, over: 10000}}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from runner.config.shown import shown
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

    def as_mapping(self) -> dict[str, dict[str, float]]:
        """Return the schedule as YAML has it: ``{linear: {from: 0, to: 4, over: 10000}}``."""
        settings = {"from": self.start, "to": self.end, "over": self.over}
        return {self.shape: settings | ({"after": self.after} if self.after else {})}

    def __str__(self) -> str:
        """Return the schedule as an error message shows it."""
        return str(self.as_mapping())


def at_step(value: Value, step: int) -> float:
    """Return the number that a setting is at a step, counted from zero."""
    return value.at(step) if isinstance(value, Schedule) else value


def ends_of(value: Value) -> tuple[float, ...]:
    """Return the numbers between which a setting stays: both ends of a schedule, or itself."""
    return (value.start, value.end) if isinstance(value, Schedule) else (value,)


def _cyclic(cycles: float) -> float:
    return min(1.0, (cycles % 1) / _RISE)


SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda done: min(1.0, done),
    "cosine": lambda done: 0.5 - 0.5 * math.cos(math.pi * min(1.0, done)),
    "cyclic": _cyclic,
}
"""Name → share of the way as a function of steps / ``over``."""


def parse_value(key: str, value: object) -> float | Schedule:
    """Return the number or the schedule that a setting holds.

    A whole number stays an ``int``, so that ``config.yaml`` and messages show what was given.

    Raises: UsageError when it is neither, or a schedule lacks one of its keys.
    """
    if isinstance(value, Mapping):
        return _parse_schedule(key, cast("Mapping[str, object]", value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        example = "a schedule such as {linear: {from: 0, to: 4, over: 10000}}"
        raise UsageError(f"{key} must be a number, or {example}, got {shown(value)}")
    return value


def _parse_schedule(key: str, value: Mapping[str, object]) -> Schedule:
    shape = str(next(iter(value), ""))
    if len(value) != 1 or shape not in SHAPES:
        hint = nearest(shape, SHAPES)
        raise UsageError(f"{key}: a schedule is one of {', '.join(SHAPES)}, got '{shape}'", hint)
    settings = _shape_settings(f"{key}.{shape}", key, value[shape])
    if missing := [name for name in ("from", "to", "over") if name not in settings]:
        raise UsageError(f"{key}: a {shape} schedule needs {', '.join(missing)} too")
    numbers: list[float] = []
    for name in _KEYS:
        number = settings.get(name, 0)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise UsageError(f"{key}.{shape}.{name} must be a number, got {shown(number)}")
        numbers.append(number)
    start, end, over, after = numbers
    if not (1 <= over < math.inf and 0 <= after < math.inf):
        raise UsageError(f"{key}.{shape}.over must be at least 1 step and after at least 0")
    return Schedule(shape, start, end, int(over), int(after))


def _shape_settings(name: str, key: str, given: object) -> Mapping[str, object]:
    """Return what a schedule says of its shape, whose keys are those of a schedule."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{name} must be {{from: 0, to: 4, over: 10000}}, got {shown(given)}")
    settings = cast("Mapping[str, object]", given)
    for each in settings:
        if each not in _KEYS:
            hint = nearest(str(each), _KEYS)
            raise UsageError(f"{key}: a schedule has {', '.join(_KEYS)}, not '{each}'", hint)
    return settings


if TYPE_CHECKING:
    Value = float | Schedule
    """The type of a setting that may change while training."""
else:
    # OmegaConf has no type for this union: to it such a field is Any, with the parser beside it.
    Value = Annotated[Any, parse_value]
