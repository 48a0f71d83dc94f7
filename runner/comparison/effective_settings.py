"""Which settings of a run have an effect of their own, and which only follow from others.

``config.yaml`` is resolved: it says that a weight is 12, not that it is so because beta is.
``config_unresolved.yaml`` beside it says the latter, and which values the run's choices brought.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.comparison.runs import ComparedRun
from runner.config import WEIGHT_NAMES
from runner.config.experiment import SECTIONS

_AMOUNTS = ("weight", "off_diagonal", "diagonal", "amount", "factors")
_OF_AMOUNTS = ("objective.penalties.", "objective.corruption", "dataset.correlated")
"""Where all amounts are zero or empty, the settings beside them have no effect."""

_OF_SWITCHES = {
    "validation.every": (
        "validation.", "training.keep_best", "training.stop_early.", "evaluation.checkpoint",
    ),
    "init_from": ("init.",),
    "labels": ("label_seed", "objective.penalties.supervision.", "evaluation.class_samples"),
}  # fmt: skip
"""Setting that is null where something is off → settings that then have no effect."""

_FAMILY = "vae"
_OF_OTHER_METHODS = ("objective.fitted.", "objective.adversarial.", "objective.layerwise.")
"""Settings that have no effect where the method is the family's."""

_REFERENCE = re.compile(rf"\$\{{({'|'.join(WEIGHT_NAMES)})\}}")
_LABELS = ("name", "out", "sweep_name", "wandb.", "tracking.")
"""Settings that change nothing in a model, whatever they refer to."""

_LEADING = ("dataset", "objective")
"""Groups that are always chosen; their choice may bring those of the other groups."""


@dataclass(frozen=True)
class EffectiveSettings:
    """The settings of a run that have an effect."""

    values: Mapping[str, Any]
    following: Mapping[str, object]
    """Those that are as the run's choices bring them → the choices that do."""
    unused: frozenset[str]
    """Settings that the run has but that change nothing in it."""


def effective_settings(run: ComparedRun) -> EffectiveSettings:
    """Return the settings of a run without those that have no effect of their own.

    Left out are weights that the objective does not refer to, settings that follow from others by
    reference, what belongs to something of weight zero, and steps where epochs replace them. Of a
    run without ``config_unresolved.yaml`` only the last two are known.
    """
    settings = _without_unused(run.settings)
    if run.origin is None:
        return EffectiveSettings(settings, {}, frozenset(run.settings.keys() - settings.keys()))
    references = run.origin.references
    used = {
        name
        for key, expression in references.items()
        if key in settings and not key.startswith(_LABELS)
        for name in _REFERENCE.findall(expression)
    }
    values = {
        key: value
        for key, value in settings.items()
        if key not in references and (key not in WEIGHT_NAMES or key in used)
    }
    unused = run.settings.keys() - values.keys() - references.keys()
    return EffectiveSettings(values, _following(run, values), frozenset(unused))


def _following(run: ComparedRun, values: Mapping[str, Any]) -> dict[str, object]:
    """Return the settings that are as choices bring them → these choices."""
    if run.origin is None:
        return {}
    choices = {group: run.origin.choices.get(group) for group in SECTIONS}
    leading = tuple(choices[group] for group in _LEADING)
    found: dict[str, object] = {}
    for key in values.keys() - run.origin.changed:
        section, _, name = key.partition(".")
        if section not in SECTIONS or (section in _LEADING and name == "name"):
            continue
        found[key] = leading if name == "name" else tuple(choices.values())
    return found


def _without_unused(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those of something that is off, and without replaced steps."""
    amounts: dict[str, list[Any]] = {}
    for key, value in settings.items():
        parent, _, name = key.rpartition(".")
        if name in _AMOUNTS and parent.startswith(_OF_AMOUNTS):
            amounts.setdefault(parent, []).append(value)
    off = {parent for parent, values in amounts.items() if not any(values)}
    without = tuple(
        start
        for switch, starts in _OF_SWITCHES.items()
        if settings.get(switch) is None  # also in runs of before there was such a setting
        for start in starts
    )
    if settings.get("objective.method", _FAMILY) == _FAMILY:
        without = (*without, *_OF_OTHER_METHODS)
    kept: dict[str, Any] = {}
    for key, value in settings.items():
        parent, _, name = key.rpartition(".")
        if (parent not in off or name in _AMOUNTS) and not key.startswith(without):
            kept[key] = value
    if kept.get("epochs") is not None:
        kept.pop("steps", None)
    return kept
