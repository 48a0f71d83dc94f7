"""Sorting and filtering a list of runs by anything that is known of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from runner.comparison.names import choose_metrics, choose_setting, value_text
from runner.comparison.overview import MIG, Overview
from runner.errors import UsageError, nearest

Column = Callable[[Overview], object]

_COLUMNS: dict[str, Column] = {
    "run": lambda run: str(run.path),
    "state": lambda run: run.state,
    "objective": lambda run: run.settings.get("objective.name"),
    "dataset": lambda run: run.settings.get("dataset.name"),
    "step": lambda run: run.step,
    "steps": lambda run: run.steps,
    "elbo": lambda run: run.metrics.get("elbo"),
    "mig": lambda run: run.metrics.get(MIG),
    "age": lambda run: run.age,
    "error": lambda run: run.error,
    "version": lambda run: run.run.version if run.run else None,
}

_CONDITION = re.compile(r"(?P<name>[^<>=!~\s]+)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>.*)")
_AGE = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|min|h|d|w)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_USAGE = "such as --filter 'beta>4', state=finished, 'age<2d', objective=hfvae,vae"


@dataclass(frozen=True)
class Condition:
    """A comparison that a run passes or not: ``beta>=4``."""

    name: str
    sign: str
    value: str

    @classmethod
    def read(cls, text: str) -> Condition:
        """Return the condition that a text says.

        Raises: UsageError for a text that is none.
        """
        found = _CONDITION.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"cannot read the condition '{text}'", _USAGE)
        sign = found["sign"].replace("==", "=")
        condition = cls(found["name"], sign, found["value"].strip())
        if sign not in ("=", "!="):
            condition.bound()
        return condition

    def bound(self) -> float:
        """Return the number that values are compared with, of an age in seconds.

        Raises: UsageError when it is none.
        """
        found = _AGE.fullmatch(self.value) if self.name == "age" else None
        if found:
            return float(found["count"]) * _SECONDS[found["unit"]]
        if self.name == "age" and _number(self.value) is not None:
            raise UsageError(f"age {self.value} of what?", "an age is 90s, 10min, 3h, 2d or 1w")
        number = _number(self.value)
        if number is None:
            wanted = "an age: 90s, 10min, 3h, 2d or 1w" if self.name == "age" else "a number"
            message = f"'{self.name}{self.sign}{self.value}' compares with '{self.value}'"
            raise UsageError(message, f"{self.sign} needs {wanted}")
        return number

    def holds(self, value: object) -> bool:
        """Return whether a value passes; what a run lacks is null."""
        if self.sign in ("=", "!="):
            words = self.value.split(",")
            return any(_equal(value, word.strip()) for word in words) == (self.sign == "=")
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        bound = self.bound()
        return {
            "<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound,
        }[self.sign]  # fmt: skip


def is_condition(text: str) -> bool:
    """Return whether a text reads as a condition."""
    return _CONDITION.fullmatch(text.strip()) is not None


def passing(runs: Sequence[Overview], conditions: Iterable[Condition]) -> list[Overview]:
    """Return the runs that pass every condition.

    Raises: UsageError for a name that no run has.
    """
    kept = list(runs)
    for condition in conditions:
        column = column_of(condition.name, runs)
        kept = [run for run in kept if condition.holds(column(run))]
    return kept


def ordered(runs: Sequence[Overview], keys: Iterable[str]) -> list[Overview]:
    """Return runs sorted by columns, the first key first; ``-KEY`` sorts from the largest down.

    Runs without a value come last.

    Raises: UsageError for a name that no run has.
    """
    found = list(runs)
    for key in reversed(list(keys)):
        column = column_of(key.removeprefix("-"), runs)
        having = [run for run in found if column(run) is not None]
        having.sort(key=lambda run, column=column: _rank(column(run)), reverse=key.startswith("-"))
        found = [*having, *(run for run in found if column(run) is None)]
    return found


def column_of(name: str, runs: Sequence[Overview]) -> Column:
    """Return the column, setting or metric of some runs that a short name means.

    Raises: UsageError when it means none, or more than one setting.
    """
    if name in _COLUMNS:
        return _COLUMNS[name]
    settings = dict.fromkeys(key for run in runs for key in run.settings)
    metrics = dict.fromkeys(key for run in runs for key in run.metrics)
    if name in settings or f"{name}.name" in settings:
        key = name if name in settings else f"{name}.name"
        return lambda run: run.settings.get(key)
    if name in metrics or any(f"/{name}/" in f"/{key}/" for key in metrics):
        (metric,) = choose_metrics([name], metrics)
        return lambda run: run.metrics.get(metric)
    if not any(key.removesuffix(".name").endswith(f".{name}") for key in settings):
        tails = (key.rpartition("/")[2] for key in metrics)
        hint = nearest(name, [*_COLUMNS, *settings, *tails])
        columns = f"columns: {', '.join(_COLUMNS)}; and any setting or metric"
        raise UsageError(f"no run has a column, setting or metric '{name}'", hint or columns)
    chosen = choose_setting(name, settings, ())
    return lambda run: run.settings.get(chosen)


def _equal(value: object, word: str) -> bool:
    """Return whether a value is what a word says: a number, or a text with ``*`` for anything."""
    number = _number(word)
    if number is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) == number
    if value is None:
        return word in ("", "null", "None")
    text = value_text(value)
    return fnmatchcase(text, word) or text == word


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _rank(value: object) -> tuple[int, float, str]:
    """Return a sort key: numbers before texts."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, value_text(value)
