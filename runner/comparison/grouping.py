"""Groups of configurations that figures draw together: by dataset, and by objective."""

from __future__ import annotations

from collections.abc import Sequence

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import short_names, value_text

_OBJECTIVE = "objective.name"
_DATASET = "dataset.name"
_WEIGHTS_FIRST = ("beta", "gamma", "alpha")
"""The hyperparameters that are most often varied, in the order in which axes prefer them."""

_GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
}


def is_number(value: object) -> bool:
    """Return whether a setting's value can be a position on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_settings(configurations: Sequence[Configuration], by: Sequence[str]) -> list[str]:
    """Return the settings that take two numbers or more, the weights of the terms first."""
    weights = (name for name in _WEIGHTS_FIRST if name in by)
    names = dict.fromkeys([*weights, *(name for name in by if name != "seed")])
    return [name for name in names if len(_numbers(configurations, name)) > 1]


def _numbers(configurations: Sequence[Configuration], name: str) -> set[float]:
    values = (configuration.settings[name] for configuration in configurations)
    return {value for value in values if is_number(value)}


def main_hyperparameter(comparison: Comparison) -> str | None:
    """Return the first number that varies within a family, or None where none does."""
    by = comparison.by
    within = {name for part in families(comparison).values() for name in numeric_settings(part, by)}
    varying = numeric_settings(comparison.configurations, by)
    return next((name for name in varying if name in within), None)


def by_dataset(comparison: Comparison) -> dict[str, list[Configuration]]:
    """Return the configurations of each dataset, which share no scale with those of another."""
    found: dict[str, list[Configuration]] = {}
    for configuration in comparison.configurations:
        found.setdefault(" + ".join(sorted(configuration.datasets)), []).append(configuration)
    return found


def family_key(comparison: Comparison) -> str | None:
    """Return the setting that colours stand for: the objective if it varies, or another choice."""
    names = [name for name in comparison.by if name != _DATASET]
    varying = [name for name in names if _varies(comparison.configurations, name)]
    scales = numeric_settings(comparison.configurations, varying)
    choices = [name for name in varying if name not in scales]
    if _OBJECTIVE in names and (_OBJECTIVE in choices or not choices):
        return _OBJECTIVE
    return next(iter(choices), None)


def _varies(configurations: Sequence[Configuration], name: str) -> bool:
    return len({configuration.settings[name] for configuration in configurations}) > 1


def families(
    comparison: Comparison, configurations: Sequence[Configuration] | None = None
) -> dict[str, list[Configuration]]:
    """Return all configurations, or the given ones, by their value of :func:`family_key`."""
    key = family_key(comparison)
    found: dict[str, list[Configuration]] = {}
    for configuration in comparison.configurations if configurations is None else configurations:
        name = "" if key is None else value_text(configuration.settings[key])
        found.setdefault(name, []).append(configuration)
    return found


def setting_words(by: Sequence[str], name: str, value: object) -> str:
    """Return a setting and its value: ``β 4``; of a choice the value alone: ``hfvae``."""
    text = value_text(value)
    if isinstance(value, str) and name.endswith(".name"):
        return text
    if is_number(value):
        text = text.replace("-", "\N{MINUS SIGN}")
    return f"{hyperparameter_title(by, name)} {text}"


def hyperparameter_title(by: Sequence[str], name: str) -> str:
    """Return the name of a setting in figures: ``β``, ``learning rate``."""
    return _GREEK.get(name, short_names(by)[name].replace("_", " "))


def name_of(configuration: Configuration, by: Sequence[str], named: Sequence[str]) -> str:
    """Return the values of some settings of a configuration: ``hfvae  β 4``."""
    parts = [
        setting_words(by, name, configuration.settings[name])
        for name in named
        if configuration.settings[name] is not None
    ]
    return "  ".join(parts) or "all runs"


def distinguishing_settings(
    comparison: Comparison, configurations: Sequence[Configuration]
) -> list[str]:
    """Return the settings to print in a line's label."""
    key = family_key(comparison)
    names = [name for name in comparison.by if name != _DATASET]
    return [name for name in names if name == key or _varies(configurations, name)]
