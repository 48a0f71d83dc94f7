"""Choices that are composed by themselves, without a run: metrics, launchers, searches."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.config.compose import changed
from runner.config.data_root import data_root
from runner.config.launcher_rules import launcher_rules
from runner.config.launcher_schema import LAUNCHER_CHOICES, LauncherConfig
from runner.config.metrics_rules import metrics_rules
from runner.config.metrics_schema import MetricsConfig
from runner.config.own_pieces import own_folders, widest
from runner.config.rules import refuse
from runner.config.search_schema import SEARCH_CHOICES, SearchConfig, search_rules
from runner.config.value_errors import explain_value
from runner.config.value_types import require
from runner.errors import UsageError, nearest, nearest_setting
from runner.plugins import pieces

Choice = TypeVar("Choice")


def metrics(name: str, overrides: list[str]) -> MetricsConfig:
    """Return the settings of a choice of ``conf/metrics/``, with some of them changed.

    ``overrides`` are settings such as ``metrics.dci.train=1000``.

    Raises: UsageError when there is no such choice, or an override is not a valid setting of it.
    """
    settings = _choice_apart("metrics", name, widest(MetricsConfig), overrides)
    refuse(metrics_rules(settings))
    return settings


def launcher(name: str, overrides: list[str]) -> LauncherConfig:
    """Return the settings of a choice of ``conf/launcher/``, with some of them changed.

    ``overrides`` are settings such as ``launcher.processes=4``.

    Raises: UsageError when there is no such choice, or an override is not a valid setting of it.
    """
    kind = LAUNCHER_CHOICES.get(name, LauncherConfig)
    settings = _choice_apart("launcher", name, kind, overrides)
    refuse(launcher_rules(settings))
    return settings


def search(name: str, overrides: list[str]) -> SearchConfig:
    """Return the settings of a choice of ``conf/search/``, with some of them changed.

    ``overrides`` are settings such as ``search.trials=30``.

    Raises: UsageError when there is no such choice, or an override is not a valid setting of it.
    """
    kind = SEARCH_CHOICES.get(name, SearchConfig)
    settings = _choice_apart("search", name, kind, overrides)
    refuse(search_rules(settings))
    return settings


def _choice_apart(group: str, name: str, kind: type[Choice], overrides: list[str]) -> Choice:
    """Return a choice of a group that is composed by itself, without a run."""
    folders = [folder / group for folder in (*own_folders(), data_root() / "conf")]
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
    if name not in files:
        hint = nearest(name, files) or f"{group}: {', '.join(sorted(files))}"
        raise UsageError(f"unknown {group} '{name}'", hint)
    if group != "metrics":  # whose settings are in sections, each with names of its own
        _require_known(group, kind, overrides)
    chosen = OmegaConf.create({group: OmegaConf.load(files[name])})
    if (group, name) == ("metrics", "none"):
        OmegaConf.update(chosen, group, dict.fromkeys(pieces("metric")), merge=True)
    schema = OmegaConf.create({group: OmegaConf.structured(kind)})
    merged = changed(cast("DictConfig", OmegaConf.merge(schema, chosen)), overrides)
    try:
        found = cast("Choice", OmegaConf.to_object(OmegaConf.select(merged, group)))
    except OmegaConfBaseException as error:
        raise explain_value(error) from error
    require(kind, group, found)
    return found


def _require_known(group: str, kind: type[Any], overrides: list[str]) -> None:
    """Refuse a setting that a choice of a group lacks, with the nearest that it has."""
    known = [f"{group}.{field.name}" for field in fields(kind)]
    for override in overrides:
        key = override.partition("=")[0].lstrip("+~")
        if key.startswith(f"{group}.") and ".".join(key.split(".")[:2]) not in known:
            raise UsageError(f"unknown setting '{key}'", nearest_setting(key, known))
