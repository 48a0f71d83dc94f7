"""A sweep file with ``method: random`` or ``bayes``, read as the search that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from runner.config.search_schema import BayesSearchConfig, SearchConfig
from runner.errors import UsageError, nearest
from runner.grid.space.definition import Hyperband, Metric, Search
from runner.grid.space.parameter import PARTS, USUAL, Parameter
from runner.grid.sweep_parameters import Values, check_keys, listed, parameters_of

Kind = TypeVar("Kind", bound=msgspec.Struct)

_KEYS = ("value", "values", "min", "max", "distribution", "q", "mu", "sigma", "a", "b",
         "probabilities")  # fmt: skip
_OF_A_METRIC = ("name", "goal", "target", "impute", "impute_while_running")
_OF_HYPERBAND = ("type", "min_iter", "max_iter", "s", "eta", "strict")
_DEFAULT_METRIC = Metric("elbo", "maximize")
"""Of ``method: random`` without a metric, for the order of its runs."""


def read_search(
    path: Path, document: Mapping[str, Any], given: Values, settings: SearchConfig
) -> Search:
    """Return the search of a sweep file.

    Args:
        path: the file, for messages.
        document: its content, with a method that is not grid.
        given: settings of the command line, which replace parameters of the file.
        settings: how to search: ``search.*`` of the command line.

    Raises: UsageError when it describes none.
    """
    found = {
        key: _parameter(path, key, parameter)
        for key, parameter in parameters_of(path, document).items()
    }
    found |= {key: _chosen(key, values) for key, values in given.items()}
    if "steps" in found:
        if found.get("epochs", _constant("epochs", "null")).values != ("null",):
            raise UsageError(f"{path}: give steps or epochs, not both")
        found["epochs"] = _constant("epochs", "null")
    metric = _metric(path, document)
    try:
        return Search(
            method=document["method"],
            parameters=tuple(found.values()),
            metric=metric,
            trials=_trials(path, document, settings),
            seed=settings.seed,
            startup=settings.startup if isinstance(settings, BayesSearchConfig) else 1,
            early_terminate=_early_terminate(path, document),
        )
    except ValueError as error:
        hint = "one has min and max, values, or a distribution"
        raise UsageError(f"{path}: {error}", hint) from error


def _parameter(path: Path, key: str, parameter: Mapping[str, Any]) -> Parameter:
    """Return a parameter with the distribution that W&B would take it for.

    Raises: UsageError saying what is wrong with it.
    """
    where = f"parameter {key}"
    check_keys(path, where, parameter, _KEYS)
    kind = parameter.get("distribution") or _natural(path, key, parameter)
    if not isinstance(kind, str) or kind not in PARTS:
        hint = nearest(str(kind), PARTS) or f"it can be {', '.join(PARTS)}"
        raise UsageError(f"{path}: {where} cannot have the distribution {str(kind)!r}", hint)
    parts = PARTS[kind]
    if others := [name for name in parameter if name not in (*parts, "distribution")]:
        with_it = [name for name, has in PARTS.items() if others[0] in has]
        hint = nearest(kind, with_it) or f"{kind} has {', '.join(parts)}"
        raise UsageError(f"{path}: {where} is {kind}, which has no {others[0]}", hint)
    content: dict[str, Any] = {name: USUAL[name] for name in parts if name in USUAL}
    content |= {"name": key, "distribution": kind}
    content |= {n: _number(v) for n, v in parameter.items() if n not in ("value", "values")}
    if "value" in parts or "values" in parts:
        content["values"] = _values(path, key, parameter, parts[0])
    return _converted(path, where, content, Parameter)


def _number(value: object) -> object:
    """Return a value; 1e-3, which YAML takes for text, is a number."""
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


def _natural(path: Path, key: str, parameter: Mapping[str, Any]) -> str:
    """Return the distribution of a parameter that names none."""
    if "value" in parameter and "values" not in parameter:
        return "constant"
    if "values" in parameter:
        return "categorical"
    if {"min", "max"} & parameter.keys():
        ends = parameter.get("min"), parameter.get("max")
        return "int_uniform" if all(type(end) is int for end in ends) else "uniform"
    example = f"{key}: {{distribution: normal, mu: 0, sigma: 1}}" if parameter else None
    message = f"{path}: parameter {key} needs value, values, min and max, or a distribution"
    raise UsageError(message, example)


def _values(path: Path, key: str, parameter: Mapping[str, Any], part: str) -> tuple[str, ...]:
    if part not in parameter:
        raise UsageError(f"{path}: parameter {key} needs {part}")
    return listed(path, key, {part: parameter[part]})


def _chosen(key: str, values: tuple[str, ...]) -> Parameter:
    """Return the parameter for values of the command line: one, or a choice among several."""
    return _constant(key, *values) if len(values) == 1 else Parameter(key, "categorical", values)


def _constant(key: str, value: str) -> Parameter:
    return Parameter(key, "constant", (value,))


def _metric(path: Path, document: Mapping[str, Any]) -> Metric:
    if "metric" not in document:
        if document["method"] == "random" and "early_terminate" not in document:
            return _DEFAULT_METRIC
        what = "early_terminate" if "early_terminate" in document else "method: bayes"
        example = "metric: {name: elbo, goal: maximize}"
        raise UsageError(f"{path}: {what} needs a metric", example)
    content = _mapping(path, "metric", document["metric"], _OF_A_METRIC)
    kept = {key: value for key, value in content.items() if not key.startswith("impute")}
    return _converted(path, "metric", kept, Metric)


def _early_terminate(path: Path, document: Mapping[str, Any]) -> Hyperband | None:
    if document.get("early_terminate") is None:
        return None
    where = "early_terminate"
    content = _mapping(path, where, document[where], _OF_HYPERBAND)
    if content.pop("type", None) != "hyperband":
        raise UsageError(f"{path}: {where} needs type: hyperband, the only one that there is")
    if isinstance(content.get("s"), int):
        content["s"] = float(content["s"])
    return _converted(path, where, content, Hyperband)


def _trials(path: Path, document: Mapping[str, Any], settings: SearchConfig) -> int:
    cap = document.get("run_cap") if settings.trials is None else settings.trials
    if cap is None:
        message = f"{path}: it has no run_cap, and without one a search would never end"
        raise UsageError(message, "search.trials=30 is the number of runs, or run_cap: 30 there")
    if type(cap) is not int or not 1 <= cap <= 100_000:
        raise UsageError(f"{path}: run_cap must be a number of runs, 1 to 100,000, got {cap!r}")
    return cap


def _mapping(path: Path, where: str, content: object, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise UsageError(f"{path}: {where} must be a mapping, {{{known[0]}: …}}")
    found = cast("dict[str, Any]", content)
    check_keys(path, where, found, known)
    return dict(found)


def _converted(path: Path, where: str, content: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """Return a part of a search.

    Raises: UsageError saying which of its values is wrong, and how.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        place = place.rstrip("`").partition("[")[0]
        reason = reason.replace("int | float | null", "a number")
        reason = reason[:1].lower() + reason[1:] if place else reason
        goals = ("minimize", "maximize")
        hint = nearest(str(content.get(place)), goals) if place == "goal" else None
        named = f"{where}, {place}: {reason}" if place else f"{where} {reason}"
        raise UsageError(f"{path}: {named.replace('`', '')}", hint) from error
