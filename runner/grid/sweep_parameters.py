"""The parameters of a sweep file: which values a grid has of each setting, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from runner.config import GROUPS
from runner.config.written import written
from runner.errors import UsageError, nearest

Values = Mapping[str, tuple[str, ...]]
"""The values of each setting, in Hydra's override grammar and in the order of the file."""

MOST_RUNS = 100_000
"""Runs of the largest grid."""

_TOP = (
    "name", "description", "method", "metric", "parameters", "command", "program", "project",
    "entity", "early_terminate", "run_cap", "controller", "job", "image_uri", "scheduler",
    "prior_runs", "apiVersion", "kind",
)  # fmt: skip
_OF_A_PARAMETER = (
    "value", "values", "min", "max", "distribution", "q", "mu", "sigma", "a", "b", "probabilities",
    "parameters",
)  # fmt: skip

_METHODS = ("grid", "random", "bayes")
_NATURAL = {"value": "constant", "values": "categorical", "min": "int_uniform"}
"""How the values of a parameter are given → the distribution that W&B takes them for."""

_NOT_SETTINGS = ("sweep", "only", "launcher", "search", "hydra")
"""First parts of keys that no run has."""


def check_keys(path: Path, where: str, mapping: Mapping[Any, Any], known: Collection[str]) -> None:
    """Refuse a key that a mapping of a sweep file cannot have.

    Raises: UsageError naming the nearest key that it can have.
    """
    for key in mapping:
        if key not in known:
            hint = nearest(str(key), known) or f"it can have {', '.join(known)}"
            raise UsageError(f"{path}: {where} cannot have {str(key)!r}", hint)


def grid_values(path: Path, sweep: Mapping[str, Any]) -> Values:
    """Return the values that a sweep file has of each setting.

    Raises: UsageError when it is no grid.
    """
    parameters = parameters_of(path, sweep)
    _check_method(path, sweep)
    return with_steps(path, {key: _of_one(path, key, each) for key, each in parameters.items()})


def parameters_of(path: Path, sweep: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a sweep file says of each setting; nested ones have their dotted names.

    Raises: UsageError when it is no sweep file, or a parameter has no name of a setting.
    """
    if not isinstance(sweep.get("parameters"), dict):
        hint = nearest("parameters", [str(key) for key in sweep])
        raise UsageError(f"{path} is not a sweep file: it has no parameters", hint)
    check_keys(path, "a sweep file", sweep, _TOP)
    parameters = cast("dict[object, object]", sweep["parameters"])
    if not parameters:
        raise UsageError(f"{path}: its parameters are empty", "such as {beta: {values: [1, 4]}}")
    found: dict[str, Mapping[str, Any]] = {}
    for key, parameter in _flat(path, parameters, ""):
        if key in found:
            raise UsageError(f"{path}: parameter {key} is given twice, once within another")
        found[key] = parameter
    return found


def with_steps(path: Path, values: Values) -> Values:
    """Return values where steps win over epochs that an experiment sets, as on the command line.

    Raises: UsageError when both are given.
    """
    if "steps" not in values:
        return values
    if set(values.get("epochs", ())) - {"null"}:
        raise UsageError(f"{path}: give steps or epochs, not both")
    return {**values, "epochs": ("null",)}


def method_of(path: Path, sweep: Mapping[str, Any]) -> str:
    """Return the method of a sweep file: grid, random or bayes.

    Raises: UsageError when W&B has no such method.
    """
    method = sweep.get("method", "grid")
    if method not in _METHODS:
        hint = nearest(str(method), _METHODS) or f"method: {', '.join(_METHODS)}"
        raise UsageError(f"{path}: there is no method {str(method)!r}", hint)
    return str(method)


def _check_method(path: Path, sweep: Mapping[str, Any]) -> None:
    if (method := method_of(path, sweep)) != "grid":
        hint = "a search is a sweep file by itself: vaerun sweep=FILE"
        raise UsageError(f"{path} asks for method {method}; a block is a grid", hint)


def _flat(
    path: Path, parameters: Mapping[object, object], prefix: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (setting, its parameter); nested parameters under their dotted names.

    A mapping that stands for a group is taken apart into its settings.
    """
    for name, entry in parameters.items():
        key = f"{prefix}{name}"
        check_name(path, key)
        if not isinstance(entry, dict):
            is_short = isinstance(entry, (int, float, str)) and str(entry).isprintable()
            hint = f"{key}: {{value: {entry}}}" if is_short else None
            message = f"{path}: parameter {key} needs value, values, or integers min and max"
            raise UsageError(message, hint)
        parameter = cast("dict[str, Any]", entry)
        check_keys(path, f"parameter {key}", parameter, _OF_A_PARAMETER)
        nested = parameter.get("parameters")
        if "parameters" not in parameter:
            inside = cast("object", parameter.get("value"))
            is_alone = not {"values", "min"} & parameter.keys()
            if is_alone and key in GROUPS and inside and isinstance(inside, dict):
                settings = cast("dict[object, object]", inside)
                yield from _flat(path, {n: {"value": v} for n, v in settings.items()}, f"{key}.")
            else:
                yield key, parameter
        elif len(parameter) > 1 or not isinstance(nested, dict) or not nested:
            hint = f"its settings can stand for themselves: {key}.NAME: {{value: …}}"
            raise UsageError(f"{path}: parameter {key} has no nested parameters alone", hint)
        else:
            yield from _flat(path, cast("dict[object, object]", nested), f"{key}.")


def check_name(path: Path, key: str) -> None:
    """Refuse a key that cannot be the name of a setting of a run.

    Raises: UsageError saying what is wrong with it.
    """
    first = re.split(r"[./]", key)[0]
    if first in _NOT_SETTINGS:
        raise UsageError(f"{path}: {first} is not for a parameter: it belongs on the command line")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", key, re.ASCII) or "_target_" in key:
        raise UsageError(f"{path}: parameter {key!r} is not the name of a setting")


def _of_one(path: Path, key: str, parameter: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of a parameter."""
    given = [way for way in ("value", "values", "min") if way in parameter]
    if len(given) != 1:
        both = " and ".join(given)
        what = (
            f"has {both}; one of them" if given else "needs value, values, or integers min and max"
        )
        raise UsageError(f"{path}: parameter {key} {what}")
    _check_distribution(path, key, parameter, given[0])
    return (_integers if given == ["min"] else listed)(path, key, parameter)


def _check_distribution(path: Path, key: str, parameter: Mapping[str, Any], way: str) -> None:
    """Refuse what describes a random choice: a grid has all of the values."""
    natural = _NATURAL[way]
    distribution = parameter.get("distribution", natural)
    if way == "min" and distribution != natural:
        raise UsageError(f"{path}: in a grid the range of parameter {key} must be of integers")
    if distribution != natural:
        message = (
            f"{path}: parameter {key} cannot have the distribution {str(distribution)!r} in a grid"
        )
        raise UsageError(message, f"with {way} it is {natural}, and need not be named")
    also = {"min": ("min", "max")}.get(way, (way,))
    if others := [name for name in parameter if name not in (*also, "distribution")]:
        message = f"{path}: parameter {key} has {way}, beside which {others[0]} means nothing"
        raise UsageError(f"{message} in a grid")


def _integers(path: Path, key: str, parameter: Mapping[str, Any]) -> tuple[str, ...]:
    first, last = parameter["min"], parameter.get("max")
    if last is None:
        raise UsageError(f"{path}: parameter {key} has min without max")
    if type(first) is not int or type(last) is not int or first > last:
        raise UsageError(f"{path}: in a grid the range of parameter {key} must be of integers")
    if last - first >= MOST_RUNS:
        raise UsageError(f"{path}: parameter {key} has more than {MOST_RUNS:,} values")
    return tuple(str(number) for number in range(first, last + 1))


def listed(path: Path, key: str, parameter: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ``values`` of a parameter, or its ``value``, in Hydra's grammar.

    Raises: UsageError when they are none, or one is there twice.
    """
    values = parameter["values"] if "values" in parameter else [parameter["value"]]
    if not isinstance(values, list) or not values:
        raise UsageError(f"{path}: the values of parameter {key} must be a list of some")
    if key in GROUPS and any(isinstance(value, dict) for value in cast("list[object]", values)):
        hint = f"its settings are parameters of their own: {key}.NAME: {{values: [1, 4]}}"
        raise UsageError(f"{path}: parameter {key} is chosen by a name", hint)
    texts = texts_of(path, key, cast("list[object]", values))
    seen = set[str]()
    for text in texts:
        if (number := plain(text)) in seen:
            shown = text if text.isprintable() else repr(text)
            raise UsageError(f"{path}: parameter {key} has the value {shown} twice")
        seen.add(number)
    return texts


def plain(text: str) -> str:
    """Return a value with 4 and 4.0 alike."""
    with suppress(ValueError):
        return repr(float(text))
    return text


def texts_of(path: Path, key: str, values: list[object]) -> tuple[str, ...]:
    """Return the values of a setting in Hydra's grammar.

    Raises: UsageError for a value that no setting can have.
    """
    try:
        return tuple(written(value) for value in values)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: parameter {key}: {error}") from error
