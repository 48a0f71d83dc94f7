"""Which settings of a run are its own, and which only follow from its choices.

``config.yaml`` is resolved: it says that a weight is 12, not that it is so because beta is. What an
objective, a prior or a dataset brings is therefore read from its file in ``conf/`` again. A run of
another ``conf/`` may differ from it; such settings then count as the run's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.comparison.runs import ComparedRun, leaves, setting_value
from runner.config import WEIGHT_NAMES, data_root, register

_CHOICES = ("architecture", "prior", "likelihood", "dataset", "objective")
"""Groups in the order in which Hydra composes them: a later one wins."""

_BROUGHT = ("architecture", "prior", "likelihood")
"""Groups whose choice a dataset or an objective may bring."""

_AMOUNTS = ("weight", "off_diagonal", "diagonal", "amount", "factors")
_OF_AMOUNTS = ("objective.penalties.", "objective.corruption", "dataset.correlated")
"""Where all amounts are zero or empty, the settings beside them have no effect."""

_UNTOLD = object()
"""Stands for a value that depends on a knob in a way that arithmetic cannot follow."""

_UNSET = object()

Choices = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class OwnSettings:
    """The settings of a run that have an effect."""

    values: Mapping[str, Any]
    following: frozenset[str]
    """Those of them that are as the run's choices bring them."""
    idle: frozenset[str]
    """Settings that the run has but that change nothing in it."""


def own_settings(run: ComparedRun) -> OwnSettings:
    """Return the settings of a run without those that have no effect of their own.

    Left out are knobs that its objective does not refer to, weights that are what a knob says,
    what belongs to something of weight zero, and steps where epochs replace them.
    """
    settings = _without_idle(run.settings)
    choices = tuple((group, settings.get(f"{group}.name")) for group in _CHOICES)
    brought = _brought(choices)
    in_use: set[str] = set()
    told = _resolved(
        choices, tuple(settings.get(hyperparameter) for hyperparameter in WEIGHT_NAMES)
    )
    for key, value in told.items():
        if value is _UNTOLD or settings.get(key, _UNSET) == value:
            settings.pop(key, None)
            in_use |= {
                hyperparameter
                for hyperparameter in WEIGHT_NAMES
                if _refers(brought.referring[key], hyperparameter)
            }
    if brought.objective_is_known:
        settings = {k: v for k, v in settings.items() if k not in WEIGHT_NAMES or k in in_use}
    constants = brought.constants
    following = {key for key in settings.keys() & constants if settings[key] == constants[key]}
    idle = run.settings.keys() - settings.keys() - told.keys()
    return OwnSettings(settings, frozenset(following), frozenset(idle))


def _without_idle(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those of something that is off, and without replaced steps."""
    amounts: dict[str, list[Any]] = {}
    for key, value in settings.items():
        parent, _, name = key.rpartition(".")
        if name in _AMOUNTS and parent.startswith(_OF_AMOUNTS):
            amounts.setdefault(parent, []).append(value)
    off = {parent for parent, values in amounts.items() if not any(values)}
    kept: dict[str, Any] = {}
    for key, value in settings.items():
        parent, _, name = key.rpartition(".")
        if parent not in off or name in _AMOUNTS:
            kept[key] = value
    if kept.get("epochs") is not None:
        kept.pop("steps", None)
    return kept


@dataclass(frozen=True)
class _Brought:
    """What choices bring with them, by dotted names."""

    constants: Mapping[str, Any]
    referring: Mapping[str, Any]
    """Values that refer to knobs, as they stand in the files."""
    objective_is_known: bool


@cache
def _brought(choices: Choices) -> _Brought:
    folder = data_root() / "conf"
    merged: dict[str, Any] = {}
    names: dict[str, Any] = {}
    for path in (folder / "config.yaml", *(folder / g / f"{name}.yaml" for g, name in choices)):
        content, group = _load(path), path.parent.name
        names |= dict(_listed(content))
        if not any(name in content for name in _CHOICES):  # the file is about its own group alone
            content = {group: content}
        merged |= dict(leaves({name: content[name] for name in _CHOICES if name in content}))
    merged |= {f"{group}.name": names.get(group) for group in _BROUGHT}
    referring = {
        k: v
        for k, v in merged.items()
        if any(_refers(v, hyperparameter) for hyperparameter in WEIGHT_NAMES)
    }
    constants = {k: setting_value(v) for k, v in merged.items() if k not in referring}
    for group in ("dataset", "objective"):
        constants.pop(f"{group}.name", None)  # chosen, never brought
    objective = folder / "objective" / f"{dict(choices)['objective']}.yaml"
    return _Brought(constants, referring, objective.is_file())


@lru_cache(maxsize=4096)
def _resolved(choices: Choices, hyperparameters: tuple[Any, ...]) -> Mapping[str, Any]:
    """Return what the settings that refer to knobs are where the knobs stand so."""
    given: dict[str, Any] = dict(zip(WEIGHT_NAMES, hyperparameters, strict=True))
    plain = {
        f"${{{hyperparameter}}}": value for hyperparameter, value in given.items()
    }  # the usual case, at once
    return {
        key: plain[template]
        if isinstance(template, str) and template in plain
        else _computed(template, given)
        for key, template in _brought(choices).referring.items()
    }


def _computed(template: object, given: Mapping[str, Any]) -> object:
    """Return a value that is computed from knobs."""
    _register_once()
    tree = OmegaConf.create({**given, "value": template})
    try:
        content = cast("dict[str, Any]", OmegaConf.to_container(tree, resolve=True))
    except (OmegaConfBaseException, TypeError):  # arithmetic with a schedule, which is a text here
        return _UNTOLD
    return setting_value(content["value"])


@cache
def _register_once() -> None:
    """Make the arithmetic of the files known."""
    register()


def _refers(template: object, hyperparameter: str) -> bool:
    return f"${{{hyperparameter}}}" in str(template)


def _listed(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (group, choice) of what the defaults of a file choose."""
    for entry in content.get("defaults", []):
        if isinstance(entry, Mapping):
            for words, choice in cast("Mapping[str, Any]", entry).items():
                yield words.removeprefix("override ").removeprefix("/").partition("@")[0], choice


@cache
def _load(path: Path) -> Mapping[str, Any]:
    """Return the content of a file of ``conf/``, unresolved; empty where there is none."""
    if not path.is_file():
        return {}
    return cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.load(path)))
