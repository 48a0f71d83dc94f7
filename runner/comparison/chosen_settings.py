"""What was chosen for a run: its choices, and the settings that are not as these bring them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.comparison.effective_settings import effective_settings
from runner.comparison.runs import ComparedRun
from runner.config import WEIGHT_NAMES
from runner.config.experiment import SECTIONS

_OF_THE_FOLDER = ("name", "out", "data_dir", "device", "sweep_name", "wandb.", "metrics.")
"""Settings that say where a run works, logs and how it is scored, and change nothing in it."""

_OWN_COLUMNS = ("objective.name", "dataset.name")

_ABSENT = object()


def choices_of(run: ComparedRun) -> dict[str, str]:
    """Return the choice of each group of ``conf/`` that has one."""
    if run.origin is not None:
        return {group: name for group, name in run.origin.choices.items() if name}
    names = {group: run.settings.get(f"{group}.name") for group in SECTIONS}
    return {group: str(name) for group, name in names.items() if name is not None}


def changed_settings(run: ComparedRun) -> dict[str, Any] | None:
    """Return the settings that are not as the run's choices bring them, with their values.

    Those with which it went on later count too; the names of its choices do not. None where the
    folder does not say, having no ``config_unresolved.yaml``.
    """
    if run.origin is None:
        return None
    origin = run.origin
    later = {
        key
        for key, value in run.settings.items()
        if key not in origin.references and origin.values.get(key, value) != value
    }
    changed = (origin.changed | later) - {f"{group}.name" for group in SECTIONS}
    return {key: value for key, value in run.settings.items() if key in changed}


def differing(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Return for each run the settings in which these runs differ, in the same order for all.

    They are the choices other than dataset and objective, and what was set by hand in one of the
    runs at least. A run lacks a setting that has no effect in it.
    """
    effective = [effective_settings(run).values for run in runs]
    wanted = dict.fromkeys(key for run in runs for key in _candidates(run))
    varying = [
        key for key in wanted if len({_hashable(e.get(key, _ABSENT)) for e in effective}) > 1
    ]
    ordered = sorted(varying, key=_place)
    return [{key: values[key] for key in ordered if key in values} for values in effective]


def _candidates(run: ComparedRun) -> list[str]:
    names = [f"{group}.name" for group in SECTIONS]
    changed = changed_settings(run)
    if changed is None:  # all but the details of its parts
        changed = {key: None for key in run.settings if "." not in key}
    keys = [key for key in (*names, *changed) if key not in _OWN_COLUMNS]
    return [key for key in keys if not key.startswith(_OF_THE_FOLDER)]


def _place(key: str) -> tuple[int, str]:
    """Return a sort key: choices, weights of the terms, other settings, and the seed last."""
    if key in WEIGHT_NAMES:
        return 1, str(WEIGHT_NAMES.index(key))
    if key.endswith(".name"):
        return 0, key
    return (3 if key == "seed" else 2), key


def _hashable(value: object) -> object:
    # True is 1 to Python, and not to a reader.
    return (type(value).__name__, value) if isinstance(value, bool) else value
