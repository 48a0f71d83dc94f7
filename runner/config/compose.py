"""From YAML to typed settings, and back to the YAML of a run folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_type_hints

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from runner.config.added_settings import added
from runner.config.override import changes
from runner.config.own_pieces import choices, schema
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

_FREE_NAMES = (
    "dataset.hold_out",
    "objective.group_information",
    "objective.group_rate",
    "prior.discrete",
)


def allow_new_key(override: str) -> str:
    """Prefix ``++`` so that Hydra accepts new keys in free-form mappings.

    Those are mappings by names that the user chooses: groups, variables, factors.
    """
    return f"++{override}" if override.startswith(_FREE_NAMES) else override


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
        types = _schema_of(saved)
        merged = cast("DictConfig", OmegaConf.merge(types, added(types), saved))
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


def _schema_of(saved: DictConfig | ListConfig) -> DictConfig:
    """Return the types of the settings of a run, by the choices that it has made.

    Raises: UsageError for a choice that there is not.
    """
    found = cast("DictConfig", OmegaConf.structured(schema()))
    for group in CHOICES:
        known = choices(group)
        name = str(OmegaConf.select(saved, f"{group}.name"))
        if name not in known and group in PARTLY_TYPED:
            continue
        if name not in known:
            hint = nearest(name, known) or f"{group}: {', '.join(known)}"
            raise UsageError(f"config.yaml: unknown {group} '{name}'", hint)
        found[group] = OmegaConf.structured(known[name])
    return found


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
