"""From YAML to typed settings, and back to the YAML of a run folder."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_type_hints

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from runner.config.override import changes
from runner.config.rules import validate
from runner.config.schema import CHOICES, PARTLY_TYPED, RunConfig
from runner.config.tree import leaves
from runner.config.typed_fields import parse_fields, plain
from runner.config.value_errors import explain_value
from runner.config.value_types import require
from runner.config.yaml_text import reason, refuse_unusual
from runner.errors import UsageError, nearest, nearest_setting

Choice = TypeVar("Choice")

_REFERENCE = re.compile(r"(\\*)\$\{")
"""The beginning of a reference, and the backslashes that may escape it."""

_FREE_NAMES = ("dataset.hold_out", "objective.group_information", "prior.discrete")


@cache
def register() -> None:
    """Tell Hydra the types of ``conf/``, and OmegaConf the functions that its YAML may call."""
    functions: dict[str, Callable[..., object]] = {
        "either": _either, "prefixed": _prefixed, "sum": _sum, "less": _less, "times": _times,
    }  # fmt: skip
    for name, function in functions.items():
        OmegaConf.register_new_resolver(f"vaerun.{name}", function, replace=True)
    OmegaConf.register_new_resolver("vaerun.uid", _uid, use_cache=True, replace=True)
    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, choices in CHOICES.items():
        for name, node in choices.items():
            store.store(group=f"schema/{group}", name=name, node=node)


def allow_new_key(override: str) -> str:
    """Prefix ``++`` so that Hydra accepts new keys in free-form mappings.

    Those are mappings by names that the user chooses: groups, variables, factors.
    """
    return f"++{override}" if override.startswith(_FREE_NAMES) else override


def _uid() -> str:
    return secrets.token_hex(2)


def _either(first: str | None, other: str) -> str:
    return first or other


def _prefixed(prefix: str, name: str | None) -> str | None:
    return prefix + name if name else None


def _sum(*parts: object) -> object:
    """Return the sum of numbers, at most one of which may be a schedule."""
    plans = [part for part in parts if isinstance(part, Mapping)]
    constant = sum(part for part in parts if isinstance(part, (int, float)))
    return _mapped(plans[0], lambda end: end + constant) if plans else constant


def _less(first: float, second: object) -> object:
    return _sum(first, _times(-1, second))


def _times(factor: float, number: object) -> object:
    return _mapped(number, lambda end: factor * end)


def _mapped(number: object, change: Callable[[float], float]) -> object:
    """Return a number changed, or a schedule with both of its ends changed."""
    if not isinstance(number, Mapping):
        return change(cast("float", number))
    schedule = cast("Mapping[str, Mapping[str, Any]]", number)
    ends = ("from", "to")
    return {
        shape: {key: change(v) if key in ends else v for key, v in settings.items()}
        for shape, settings in schedule.items()
    }


def parse(composed: DictConfig) -> RunConfig:
    """Turn a composed configuration into typed settings.

    Raises:
        UsageError: a key is unknown or has no value, or a value makes no sense.
    """
    for key in _unknown_keys(composed):
        known = [k for k in flat_keys(composed) if k != key and not k.startswith(f"{key}.")]
        hint = nearest_setting(key, known) or "it was added with '+'"
        raise UsageError(f"unknown setting '{key}'", hint)
    try:
        config = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise explain_value(error) from error
    if not isinstance(config, RunConfig):
        raise TypeError("parse needs a configuration composed against the schema")
    require(RunConfig, "", config)
    config = parse_fields(config)
    validate(config)
    return config


def to_yaml(config: RunConfig) -> str:
    """Return the settings as they stand in a run's ``config.yaml``."""
    return OmegaConf.to_yaml(OmegaConf.create(plain(config)))


def restore(yaml_text: str, overrides: list[str]) -> RunConfig:
    """Return the settings of a run's ``config.yaml``, with some of them changed.

    It depends on nothing but the file, so later changes to ``conf/`` do not reach an old run. The
    file has values alone: a reference in it, such as ``${oc.env:HOME}``, is text.

    Raises:
        UsageError: the file or an override is not a valid setting.
    """
    saved = _saved(yaml_text)
    try:
        schema = OmegaConf.structured(RunConfig)
        for group, choices in CHOICES.items():
            name = str(OmegaConf.select(saved, f"{group}.name"))
            if name not in choices and group in PARTLY_TYPED:
                continue
            if name not in choices:
                hint = nearest(name, choices) or f"{group}: {', '.join(choices)}"
                raise UsageError(f"config.yaml: unknown {group} '{name}'", hint)
            schema[group] = OmegaConf.structured(choices[name])
        merged = cast("DictConfig", OmegaConf.merge(schema, saved))
        _refuse_references(merged, saved)
    except OmegaConfBaseException as error:
        explained = explain_value(error)
        raise UsageError(f"config.yaml: {explained.message}", explained.hint) from error
    except AssertionError as error:
        raise UsageError("config.yaml: not the settings of a run") from error
    try:
        return parse(changed(merged, overrides))
    except UsageError as error:
        key = getattr(error.__cause__, "full_key", None)
        if "interpolation" not in error.message or key is None:
            raise
        raise UsageError(f"config.yaml: {key} is a reference, and not a value") from error


def _saved(yaml_text: str) -> DictConfig | ListConfig:
    """Return what a ``config.yaml`` holds, as plain text and numbers: no reference is resolved.

    Raises: UsageError for a text that is not YAML.
    """
    if not yaml_text.strip():
        raise UsageError("config.yaml is empty")
    refuse_unusual(yaml_text, "config.yaml")
    try:
        return _as_text(OmegaConf.create(yaml_text))
    except yaml.YAMLError as error:
        raise UsageError(f"config.yaml is not YAML: {reason(error)}") from error
    except GrammarParseError as error:
        raise UsageError("config.yaml: a value has a '${' without its end") from error
    except (OmegaConfBaseException, AssertionError) as error:
        raise UsageError("config.yaml: not the settings of a run") from error


def _refuse_references(merged: DictConfig, saved: DictConfig | ListConfig) -> None:
    """Refuse a reference in place of a section or a list: it is text, and so is neither."""
    tree = cast("dict[str, Any]", OmegaConf.to_container(saved, resolve=False))
    for key, value in leaves(tree):
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(merged, parent) if parent else merged
        is_text = isinstance(value, str) and "${" in value and isinstance(node, DictConfig)
        if is_text and OmegaConf.get_type(node, name) is not str:
            raise UsageError(f"config.yaml: {key} is a reference, and not a value")


def _as_text(saved: DictConfig | ListConfig) -> DictConfig | ListConfig:
    """Return settings in which every reference is escaped, so that it stands for its own text."""

    def escaped(value: object) -> object:
        if isinstance(value, str):
            return _REFERENCE.sub(r"\1\1\\${", value)
        if isinstance(value, list):
            return [escaped(item) for item in cast("list[object]", value)]
        if isinstance(value, dict):
            return {k: escaped(item) for k, item in cast("dict[object, object]", value).items()}
        return value

    return OmegaConf.create(cast("Any", escaped(OmegaConf.to_container(saved, resolve=False))))


def changed(settings: DictConfig, overrides: list[str]) -> DictConfig:
    """Return typed settings with some of them changed.

    Raises: UsageError for a setting that they lack, or a value that it cannot have.
    """
    try:
        return cast("DictConfig", OmegaConf.merge(settings, changes(overrides)))
    except OmegaConfBaseException as error:
        raise explain_value(error) from error


def flat_keys(composed: DictConfig) -> list[str]:
    """Return the dotted names of all settings of a composed configuration."""

    def walk(node: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, value in node.items():
            yield f"{prefix}{name}"
            if isinstance(value, dict):
                yield from walk(cast("dict[str, Any]", value), f"{prefix}{name}.")

    tree = cast("dict[str, Any]", OmegaConf.to_container(composed, resolve=False))
    return [key for key in walk(tree, "") if not key.startswith("hydra")]


def _unknown_keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the keys that ``+key=value`` carried past the schema."""
    kind = OmegaConf.get_type(node)
    if kind is None or not is_dataclass(kind):
        return
    types = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    for key in (str(k) for k in node):
        if key not in names:
            yield prefix + key
        elif any(is_dataclass(kind) for kind in (types[key], *get_args(types[key]))):
            child = OmegaConf.select(node, key)
            if child is not None:
                yield from _unknown_keys(cast("DictConfig", child), f"{prefix}{key}.")
